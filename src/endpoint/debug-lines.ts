import type { Channel } from "node:diagnostics_channel";

type Print = (format: string, ...values: unknown[]) => void;

interface Watched {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly tracings: Readonly<
    Record<string, { readonly start: Channel; readonly asyncEnd: Channel; readonly error: Channel }>
  >;
}

/** Prints a line for each event, for NODE_DEBUG. A request's and a stream's have their beginning, their end, and a failure. */
export function printing({ channels, tracings }: Watched, print: Print): void {
  const watch = (channel: Channel, word: string): void =>
    channel.subscribe((event) => print("%s", lineOf(word, event as Readonly<Record<string, unknown>>)));
  for (const channel of Object.values(channels))
    watch(channel, String(channel.name).replace("sealpipe:", ""));
  for (const { start, asyncEnd, error } of Object.values(tracings)) {
    const word = String(start.name).replace("tracing:sealpipe:", "").replace(":start", "");
    watch(start, `${word} begins`);
    watch(asyncEnd, `${word} ends`);
    watch(error, `${word} failed`);
  }
}

/** What is said of the other end and of numbers; never an object as a whole, which may show more. */
function lineOf(
  word: string,
  { side, endpoint, error, peer, ...rest }: Readonly<Record<string, unknown>>,
): string {
  const fields = Object.entries(rest).filter(([, value]) => isShown(value));
  const parts = [
    word,
    side,
    nameOf(endpoint),
    ...fields.map(([name, value]) => `${name}=${shown(value)}`),
    peer === undefined ? undefined : `peer=${shown(peerOf(peer))}`,
    error === undefined
      ? undefined
      : `error=${shown((Object(error) as { code?: unknown }).code ?? "unknown")}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

function isShown(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** In quotes if it is text that a peer may have chosen: a line stays one. */
function shown(value: unknown): string {
  const text = String(value);
  return /^[\w./:\\-]*$/.test(text) ? text : JSON.stringify(text);
}

/** A client's address; a connection's number; a server's address. */
function nameOf(endpoint: unknown): string | undefined {
  const { id, address } = Object(endpoint) as { readonly id?: unknown; readonly address?: unknown };
  if (typeof id === "number") return `#${id}`;
  return typeof address === "string" ? shown(address) : undefined;
}

function peerOf(peer: unknown): string {
  const { application, pid, library } = Object(peer) as Readonly<Record<string, unknown>>;
  return [application, pid, library].filter((part) => part !== "").join(" ");
}
