import type { TraceContext } from "../../protocol/session.ts";
import {
  type Check,
  checked,
  isSet,
  isSignal,
  isSlow,
  isTimeoutMsOrNever,
  isWaitOrFail,
} from "./option-checks.ts";
import { ownContext } from "./trace-context.ts";

// Options of single calls, by contrast to those of an endpoint.

/** What happens to a client for which `maxQueuedBytes` wait. */
export type Slow = "skip" | "drop" | "wait";

/** Options of a server's `broadcast`. */
export interface BroadcastOptions {
  /**
   * What happens to a client that reads too slowly. Default `"skip"`: the message is not written to it; its
   * `skippedMessages` counts that, and an `error` event with `ERR_QUEUE_FULL` reports it, once until the client has
   * room again. `"drop"`: its connection is dropped; use this if no message may be missed. `"wait"`: the broadcast
   * waits for it as long as it takes, and all other clients wait, too; if the broadcast is not awaited, the client is
   * dropped.
   */
  readonly slow?: Slow | undefined;
  /** Connections that do not get the message, such as the one of whoever said it. Default: none. */
  readonly except?: ReadonlySet<unknown> | undefined;
}

/** Options of `read`, and of a client's `connected`, `describe` and `shutdownServer`. */
export interface ReadOptions {
  /** Ends the wait; the call rejects with its reason. No message is lost. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, in milliseconds. Default 0: for ever; for an answer, `requestTimeoutMs` of the endpoint. */
  readonly timeoutMs?: number | undefined;
}

/** Options of `request`. */
export interface RequestOptions {
  /** Ends the wait; `request` rejects with its reason, and the `signal` of the peer's handler aborts. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for the answer, in milliseconds; 0 is for ever. Default: `requestTimeoutMs` of the endpoint. */
  readonly timeoutMs?: number | undefined;
  /**
   * What happens to the request if there is no connection at the moment. Default `"wait"`: it is sent once there is
   * one. `"fail"`: it is rejected with `ERR_NOT_CONNECTED`, and nothing of it is sent. With either, a request that
   * was sent survives a broken connection.
   */
  readonly ifDisconnected?: "wait" | "fail" | undefined;
  /**
   * The trace that the request belongs to, for the handler: an object with `traceparent` and, if there is one,
   * `tracestate`, as a propagator of W3C Trace Context fills it. Default: none, as without a `traceparent`. A peer whose
   * library cannot read it gets the request without.
   */
  readonly context?: Partial<TraceContext> | undefined;
}

/** Options of `openStream`. */
export interface OpenStreamOptions {
  /** The trace that the stream belongs to, as of a request. */
  readonly context?: Partial<TraceContext> | undefined;
  /** Resets the stream when it aborts; what waits for the stream, and its reads, reject with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export type ParsedReadOptions = { readonly signal: AbortSignal | undefined; readonly timeoutMs: number };
export type ParsedBroadcastOptions = {
  readonly slow: Slow;
  readonly except: ReadonlySet<unknown> | undefined;
};
export type ParsedOpenStreamOptions = Pick<OpenStreamOptions, "signal"> & {
  readonly context: TraceContext | undefined;
};
export type ParsedRequestOptions = ParsedReadOptions & {
  readonly ifDisconnected: "wait" | "fail";
  readonly context: TraceContext | undefined;
};

/** Its checks are those of {@link ownContext}. */
const isContext: Check = () => {};

const openStreamChecks: Record<keyof OpenStreamOptions, Check> = { context: isContext, signal: isSignal };

/** Checks of `signal` and `timeoutMs`. */
const waitChecks: Record<keyof ReadOptions, Check> = {
  signal: isSignal,
  timeoutMs: isTimeoutMsOrNever,
};

const requestChecks: Record<keyof RequestOptions, Check> = {
  ...waitChecks,
  ifDisconnected: isWaitOrFail,
  context: isContext,
};

const broadcastChecks: Record<keyof BroadcastOptions, Check> = { slow: isSlow, except: isSet };

const broadcastDefaults: ParsedBroadcastOptions = Object.freeze({ slow: "skip", except: undefined });

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseBroadcastOptions(options: BroadcastOptions | undefined): ParsedBroadcastOptions {
  if (options === undefined) return broadcastDefaults;
  return { ...broadcastDefaults, ...checked(options, broadcastChecks) };
}

const waitDefaults: ParsedReadOptions = Object.freeze({ signal: undefined, timeoutMs: 0 });

const requestDefaults: ParsedRequestOptions = Object.freeze({
  ...waitDefaults,
  ifDisconnected: "wait",
  context: undefined,
});

/**
 * `timeoutMs`: if there is none of its own.
 * @throws CallerError `ERR_INVALID_OPTION`
 */
export function parseReadOptions(options?: ReadOptions, timeoutMs = 0): ParsedReadOptions {
  if (options === undefined && timeoutMs === 0) return waitDefaults;
  const defaults = { ...waitDefaults, timeoutMs };
  if (options === undefined) return defaults;
  return { ...defaults, ...checked(options, waitChecks) };
}

/**
 * `timeoutMs`: for requests without one of their own.
 * @throws CallerError `ERR_INVALID_OPTION`
 */
export function parseRequestOptions(options?: RequestOptions, timeoutMs = 0): ParsedRequestOptions {
  if (options === undefined && timeoutMs === 0) return requestDefaults;
  const defaults: ParsedRequestOptions = { ...requestDefaults, timeoutMs };
  if (options === undefined) return defaults;
  const given = checked(options, requestChecks);
  return { ...defaults, ...given, context: ownContext(given.context) };
}

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseOpenStreamOptions(options: OpenStreamOptions = {}): ParsedOpenStreamOptions {
  const given = checked(options, openStreamChecks);
  return { ...given, context: ownContext(given.context) };
}
