import type { PageLine } from "../src/inspector/event.ts";

// What the page asks the inspector: always a POST with the token, so that a browser says where it comes from.

const key = "sealpipe-inspector-token";

/** The token, which leaves the address at once: it would stay in the history. A reload finds it in this tab's storage. */
export function takeToken(): string | undefined {
  const given = location.hash.slice(1);
  if (given !== "") {
    sessionStorage.setItem(key, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(key) ?? undefined;
}

function call(
  path: string,
  token: string,
  init: { body?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    cache: "no-store",
    ...init,
  });
}

/** An answer that is no success. */
export class Refused extends Error {}

/** Each line of the events, until the connection ends. */
export async function* events(token: string, signal: AbortSignal): AsyncGenerator<PageLine> {
  const response = await call("/events", token, { signal });
  if (!response.ok || response.body === null) throw new Refused((await response.text()).trim());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as PageLine;
  }
}

export async function recording(token: string): Promise<Blob> {
  const response = await call("/recording", token);
  if (!response.ok) throw new Refused((await response.text()).trim());
  return response.blob();
}

/** What is to be sent. */
export interface Order {
  readonly connection: number;
  readonly kind: "message" | "request";
  readonly type: number;
  readonly text: string;
}

/** What came of it, in words. */
export async function send(token: string, order: Order): Promise<string> {
  const response = await call("/send", token, { body: JSON.stringify(order) });
  const { refused, done, code, message, tookMs, bytes, text, base64 } = await response.json();
  if (refused !== undefined) return `refused: ${refused}`;
  if (done === "failed") return `failed: ${code ?? ""} ${message}`;
  if (done === "sent") return "sent";
  return `answered in ${tookMs} ms, ${bytes} bytes: ${text ?? base64 ?? "too long to be shown"}`;
}
