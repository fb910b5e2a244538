import { PeerError } from "../../errors.ts";
import { isFailureCode } from "../../protocol/native/wire/failure.ts";
import type { Failure } from "../../protocol/session.ts";

/** Why a stream is to be reset: an `Error` will do. */
export interface ResetReason {
  readonly code?: unknown;
  readonly message?: unknown;
}

export function queueFull(maxQueuedBytes: number): PeerError {
  return new PeerError(
    "ERR_QUEUE_FULL",
    `more than ${maxQueuedBytes} bytes of this stream wait for the peer, and its earlier writes were not awaited`,
  );
}

export function stopped(): PeerError {
  return new PeerError("ERR_STREAM_STOPPED", "the peer wants no more items of this stream");
}

export function failureFor({ code, message }: ResetReason = {}): Failure {
  return {
    code: isFailureCode(code) ? code : "ERR_STREAM_RESET",
    message: typeof message === "string" ? message : "the stream was reset",
  };
}
