import type { Ends } from "./ends.ts";
import type { Refusal } from "./gate.ts";
import { type DataFields, keptData } from "./kept-data.ts";
import { codeOf } from "./lives.ts";
import type { ParsedOptions } from "./options.ts";

/** What the page's form asks for. */
interface Order {
  readonly connection: number;
  readonly kind: "message" | "request";
  readonly type: number;
  readonly data: Uint8Array;
}

/** What came of it. */
export type Sent =
  | { readonly done: "sent" }
  | ({ readonly done: "answered"; readonly tookMs: number } & DataFields)
  | { readonly done: "failed"; readonly code: string | undefined; readonly message: string };

const timeoutMs = 10_000;

/** Sends in the name of this process what a page asks for. Never rejects. */
export async function send(body: string, ends: Ends, options: ParsedOptions): Promise<Sent | Refusal> {
  const order = parseOrder(body);
  if (order === undefined) return { status: 400, text: "no order to send something" };
  const { connection, kind, type, data } = order;
  const end = ends.sender(connection);
  if (end === undefined) return { status: 404, text: "no such connection" };
  try {
    if (kind === "message") {
      await end.write(type, data);
      return { done: "sent" };
    }
    const since = performance.now();
    const answer = await end.request(type, data, { timeoutMs });
    const tookMs = Math.round((performance.now() - since) * 1000) / 1000;
    return { done: "answered", tookMs, ...keptData(options, answer.data, { kind: "method", type }) };
  } catch (error) {
    return { done: "failed", code: codeOf(error), message: (error as Error).message };
  }
}

const maxType = 4_294_967_295;

function parseOrder(body: string): Order | undefined {
  const given = parsed(body);
  const { connection, kind, type, text, base64 } = given;
  if (!Number.isSafeInteger(connection) || !Number.isInteger(type)) return undefined;
  if ((type as number) < 1 || (type as number) > maxType) return undefined;
  if (kind !== "message" && kind !== "request") return undefined;
  if ((text === undefined) === (base64 === undefined)) return undefined;
  if (typeof (text ?? base64) !== "string") return undefined;
  const data = text === undefined ? Buffer.from(base64 as string, "base64") : Buffer.from(text as string);
  return { connection: connection as number, kind, type: type as number, data };
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object.assign(Object.create(null), JSON.parse(body));
  } catch {
    return {};
  }
}
