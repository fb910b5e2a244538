import { dataFields, shownData } from "./data.ts";
import { UsageError } from "./exit-codes.ts";
import type { OutputRecord } from "./output.ts";

// What passes between two ends, one JSON object a line: `docs/cli.md` describes it.

export type Side = "client" | "server";

export const kinds = [
  ...["open", "close"],
  ...["message", "request", "answer", "failure"],
  ...["stream", "item", "end", "reset"],
] as const;

/** Where something passed. */
export interface Place {
  /** The number of the client's connection. */
  readonly connection: number;
  readonly from: Side;
}

/** One thing that passed. */
export interface Passed extends Place {
  readonly kind: string;
  /** Of requests and streams, and of what belongs to them. */
  readonly id?: number | undefined;
  readonly type?: number | undefined;
  readonly data?: Uint8Array | undefined;
  /** Of a failure or a reset. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** The same, with the time since the recording began. */
export interface Recorded extends Passed {
  readonly ms: number;
}

export const format = "recording/1";

/** The first line. */
export function headRecord(name: string, now: Date): OutputRecord {
  return { sealpipe: format, name, time: now.toISOString() };
}

export function toRecord({
  ms,
  connection,
  from,
  kind,
  id,
  type,
  data,
  code,
  message,
}: Recorded): OutputRecord {
  return { ms, connection, from, kind, id, type, ...(data && dataFields(data)), code, message };
}

/** For people. */
export function toLine({ ms, connection, from, kind, id, type, data, code, message }: Recorded): string {
  const way = from === "client" ? "→" : "←";
  const parts = [
    `${(ms / 1000).toFixed(3).padStart(9)}`,
    `${connection} ${way}`,
    kind,
    id === undefined ? undefined : `#${id}`,
    type === undefined ? undefined : `type ${type}`,
    data && shownData(data),
    code && `${code}: ${message}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

/** @throws UsageError if the line is none of a recording. */
export function parseHead(line: string, where: string): void {
  const head = parseLine(line, where);
  if (head["sealpipe"] !== format)
    throw new UsageError(`${where}: it is no recording: "sealpipe" is not "${format}"`);
}

/** @throws UsageError */
export function parseRecorded(line: string, where: string): Recorded {
  const record = parseLine(line, where);
  const { ms, connection, from, kind } = record;
  const fits =
    isCount(connection) &&
    typeof ms === "number" &&
    ms >= 0 &&
    (from === "client" || from === "server") &&
    (kinds as readonly unknown[]).includes(kind);
  if (!fits) throw new UsageError(`${where}: it has no valid ms, connection, from or kind`);
  return {
    ms,
    connection,
    from,
    kind: kind as string,
    ...counts(record, where),
    data: dataOfRecord(record, where),
    ...texts(record, where),
  };
}

function parseLine(line: string, where: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === "object" && record !== null) return Object.assign(Object.create(null), record);
  } catch {
    // Said below.
  }
  throw new UsageError(`${where}: it is no JSON object`);
}

function counts({ id, type }: Record<string, unknown>, where: string): Pick<Passed, "id" | "type"> {
  for (const value of [id, type]) {
    if (value !== undefined && !isCount(value))
      throw new UsageError(`${where}: id and type are positive integers`);
  }
  return { id, type } as Pick<Passed, "id" | "type">;
}

function texts({ code, message }: Record<string, unknown>, where: string): Pick<Passed, "code" | "message"> {
  for (const value of [code, message]) {
    if (value !== undefined && typeof value !== "string")
      throw new UsageError(`${where}: code and message are text`);
  }
  return { code, message } as Pick<Passed, "code" | "message">;
}

function dataOfRecord({ text, base64 }: Record<string, unknown>, where: string): Uint8Array | undefined {
  if (typeof text === "string") return Buffer.from(text);
  if (typeof base64 === "string") return Buffer.from(base64, "base64");
  if (text === undefined && base64 === undefined) return undefined;
  throw new UsageError(`${where}: text and base64 are text`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
