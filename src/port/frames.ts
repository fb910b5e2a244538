// What the two ends of a port say to each other: lists that begin with a word. A page may be hostile, so the bridge reads them with
// `isFrame`; a page believes the bridge.

export const version = 1;

/** What a member is; `duplex`: a stream to which the page writes, too. */
export type Kind = "method" | "stream" | "duplex" | "event";

/** An error as it crosses a port. */
export interface ErrorFrame {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
}

// An end that closes says so: a browser does not tell one end of a port that the other one is gone.

/** From the bridge to the page. */
export type ToPage =
  | readonly ["hello", version: number, members: Readonly<Record<string, Kind>>]
  | readonly ["answer", id: number, value: unknown]
  | readonly ["error", id: number, error: ErrorFrame]
  | readonly ["item", id: number, value: unknown]
  | readonly ["end", id: number]
  | readonly ["credit", id: number, count: number]
  | readonly ["event", name: string, data: unknown]
  | readonly ["close"];

/** From the page to the bridge. */
export type ToBridge =
  | readonly ["call", id: number, name: string, input: unknown]
  | readonly ["open", id: number, name: string, input: unknown]
  | readonly ["cancel", id: number]
  | readonly ["item", id: number, value: unknown]
  | readonly ["end", id: number]
  | readonly ["credit", id: number, count: number]
  | readonly ["emit", name: string, data: unknown]
  | readonly ["listen", name: string]
  | readonly ["unlisten", name: string]
  | readonly ["heard", count: number]
  | readonly ["close"];

/** What is done with each frame, by its word. */
export type FrameHandlers<F extends readonly [string, ...unknown[]]> = {
  readonly [W in F[0]]: (...parts: F extends readonly [W, ...infer Parts] ? Parts : never) => void;
};

const isId = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isCount = (value: unknown): boolean => isId(value) && value !== 0;
const isName = (value: unknown): boolean => typeof value === "string" && value.length <= 64;

const shapes: Readonly<Record<ToBridge[0], readonly ((value: unknown) => boolean)[]>> = {
  call: [isId, isName, () => true],
  open: [isId, isName, () => true],
  cancel: [isId],
  item: [isId, () => true],
  end: [isId],
  credit: [isId, isCount],
  emit: [isName, () => true],
  listen: [isName],
  unlisten: [isName],
  heard: [isCount],
  close: [],
};

export function isFrame(value: unknown): value is ToBridge {
  if (!Array.isArray(value) || !Object.hasOwn(shapes, value[0])) return false;
  const parts = shapes[value[0] as ToBridge[0]];
  return value.length === parts.length + 1 && parts.every((fits, index) => fits(value[index + 1]));
}

/** Items of a stream, each way, that may be under way before they are taken. */
export const streamWindow = 16;
/**
 * Events that may be under way. Many, as a daemon may send thousands at once, which are passed on before the page has had a turn to
 * acknowledge any.
 */
export const eventWindow = 16_384;
