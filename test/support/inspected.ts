import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { type Inspector, type InspectorOptions, startInspector } from "sealpipe/inspector";

/** An inspector, closed after the test; its page's parts. */
export async function inspected(t: TestContext, options: InspectorOptions = {}) {
  const inspector = await startInspector(options);
  t.after(() => inspector.close());
  return partsOf(inspector);
}

export function partsOf(inspector: Inspector) {
  const { origin, host, port, hash } = new URL(inspector.url);
  return { inspector, origin, host, port: Number(port), token: hash.slice(1) };
}

export type Parts = ReturnType<typeof partsOf>;

/** An answer; unlike `fetch`, nothing of it is left in the process once it has been read. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: IncomingMessage;
  text(): Promise<string>;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export async function ask(
  { port }: Parts,
  path: string,
  { method = "GET", headers, body }: Asked = {},
): Promise<Answered> {
  const asked = request({ port, host: "127.0.0.1", path, method, headers, agent: false });
  asked.end(body);
  const [stream] = (await once(asked, "response")) as [IncomingMessage];
  return { status: stream.statusCode ?? 0, headers: stream.headers, stream, text: () => text(stream) };
}

/** What a page does: a POST from its own origin with the token. */
export function callOf(parts: Parts, path: string, body = ""): Promise<Answered> {
  const headers = { Authorization: `Bearer ${parts.token}`, Origin: parts.origin };
  return ask(parts, path, { method: "POST", headers, body });
}

/** A line of the page's events, as JSON. */
export type Line = Readonly<Record<string, unknown>> & { readonly line: string };

/** The lines that a page is told, for as long as one asks for them. */
export async function* linesOf(parts: Parts): AsyncGenerator<Line> {
  const { stream } = await callOf(parts, "/events");
  try {
    for await (const line of createInterface({ input: stream })) yield JSON.parse(line);
  } finally {
    stream.destroy();
  }
}

export type Event = Readonly<Record<string, unknown>> & { readonly kind: string };

/** The events that a page is told, in order, until there are some that will do. */
export async function eventsUntil(
  parts: Parts,
  isEnough: (events: readonly Event[]) => boolean,
): Promise<Event[]> {
  const events: Event[] = [];
  for await (const line of linesOf(parts)) {
    if (line.line !== "events") continue;
    events.push(...(line["events"] as Event[]));
    if (isEnough(events)) return events;
  }
  throw new Error(`the events ended with ${events.map(({ kind }) => kind)}`);
}

/** The next line of that kind which will do. */
export async function lineWith(
  parts: Parts,
  kind: string,
  fits: (line: Line) => boolean = () => true,
): Promise<Line> {
  for await (const line of linesOf(parts)) if (line.line === kind && fits(line)) return line;
  throw new Error(`there was no such ${kind}`);
}

/** An answer to what is written to a bare socket, which no client of HTTP would send: its whole text. */
export async function rawAnswer(port: number, head: readonly string[], body = ""): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  // It may be closed before all is written.
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  await closed;
  return text;
}
