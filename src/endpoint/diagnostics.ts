import { type Channel, channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import { debuglog } from "node:util";
import type { TraceContext } from "../protocol/session.ts";
import { printing } from "./debug-lines.ts";

// What goes on inside, for whoever subscribes: `docs/diagnostics.md` has each channel. A payload is made only if its channel has a
// subscriber, and never has a key, a secret or data of the application.

/** Whose something is: the client, the server's connection or the server. */
export interface About {
  readonly side: "client" | "server";
  /** A `Client`, `Connection` or `Server`. */
  readonly endpoint: object | undefined;
}

/** Of units without an endpoint, such as those of a test. */
export const aboutNobody: About = { side: "client", endpoint: undefined };

export const channels = {
  listening: channel("sealpipe:listening"),
  connecting: channel("sealpipe:connecting"),
  retrying: channel("sealpipe:retrying"),
  handshake: channel("sealpipe:handshake"),
  refused: channel("sealpipe:refused"),
  open: channel("sealpipe:open"),
  lost: channel("sealpipe:lost"),
  resumed: channel("sealpipe:resumed"),
  sessionLost: channel("sealpipe:session-lost"),
  closed: channel("sealpipe:closed"),
  messageSent: channel("sealpipe:message:sent"),
  messageReceived: channel("sealpipe:message:received"),
  queue: channel("sealpipe:queue"),
  window: channel("sealpipe:window"),
} as const satisfies Record<string, Channel>;

/**
 * The one channel that has data of the application, for whoever shows them: apart from the others, so that nothing that subscribes
 * to all of those, as NODE_DEBUG does, gets them.
 */
export const dataChannel: Channel = channel("sealpipe:data");

export const tracings = {
  request: tracingChannel<unknown, Traced>("sealpipe:request"),
  handler: tracingChannel<unknown, Traced>("sealpipe:handler"),
  stream: tracingChannel<unknown, Traced>("sealpipe:stream"),
  streamHandler: tracingChannel<unknown, Traced>("sealpipe:stream-handler"),
} as const;

/** A request or a stream, from its start to its end. */
export interface Traced extends About {
  readonly type: number;
  /** The data of the request, or those that the stream was opened with. */
  readonly bytes: number;
  /** The number of the stream, once it is open. */
  stream?: number | undefined;
  /** The trace that it belongs to. A subscriber to the start of what this end asks may set it, if there is none. */
  context?: Partial<TraceContext> | undefined;
  /** The data of the answer, once there is one. */
  answerBytes?: number | undefined;
  /** Why it failed. */
  error?: unknown;
}

/** The data of what `of` tells: an event of a message, a request or a stream, or the stream of an item. */
export interface Data {
  readonly of: object;
  readonly kind: "message" | "request" | "answer" | "stream" | "item";
  /** Whether this end has sent them. */
  readonly isSent: boolean;
  /** Only for the duration of the call: what they are in may be used again. */
  readonly data: unknown;
}

/** Tells the data, if anybody listens. For whatever is traced, which has made objects already. */
export function publishData(event: Data): void {
  dataChannel.publish(event);
}

export type Tracing = TracingChannel<unknown, Traced>;

/** Whether anybody listens to any of its five. */
export function isTraced({ start, end, asyncStart, asyncEnd, error }: Tracing): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  );
}

/**
 * Calls `act` between `start` and `end`, in the context of the subscribers' stores; what it returns may be a promise, whose
 * settling is told by `asyncStart` and `asyncEnd`. Unlike `tracePromise`, it puts no result into the payload.
 */
export function traced<T>(tracing: Tracing, event: Traced, act: () => T): T {
  const { start, end } = tracing;
  return start.runStores(event, () => {
    try {
      const result = act();
      return isThenable(result) ? (tracedPromise(tracing, event, result) as T) : result;
    } catch (error) {
      failed(tracing, event, error);
      throw error;
    } finally {
      end.publish(event);
    }
  });
}

function tracedPromise(tracing: Tracing, event: Traced, promise: PromiseLike<unknown>): PromiseLike<unknown> {
  return promise.then(
    (result) => {
      settled(tracing, event);
      return result;
    },
    (error: unknown) => {
      failed(tracing, event, error);
      settled(tracing, event);
      throw error;
    },
  );
}

export function failed({ error: channel }: Tracing, event: Traced, error: unknown): void {
  event.error = error;
  channel.publish(event);
}

/** What began with `start` is over. */
export function settled({ asyncStart, asyncEnd }: Tracing, event: Traced): void {
  asyncStart.publish(event);
  asyncEnd.publish(event);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/** The bytes of what a caller gives as data, whether or not that will do. */
export function bytesOf(data: unknown): number {
  if (typeof data === "string") return Buffer.byteLength(data);
  const { byteLength } = Object(data) as { readonly byteLength?: unknown };
  return typeof byteLength === "number" ? byteLength : 0;
}

const log = debuglog("sealpipe");
// By the environment variable NODE_DEBUG, read as the library is loaded.
if (log.enabled) printing({ channels, tracings }, log);
