import { PeerError } from "../../errors.ts";

export function requestTimeout(timeoutMs: number): PeerError {
  return new PeerError("ERR_REQUEST_TIMEOUT", `the request was not answered within ${timeoutMs} ms`);
}

/** `cause`: why the peer ended the session, if known. */
export function sessionLost(cause?: Error): PeerError {
  return new PeerError(
    "ERR_SESSION_LOST",
    "the peer no longer has the session, so whether the request was handled cannot be known",
    cause === undefined ? undefined : { cause },
  );
}

export function notConnected(): PeerError {
  return new PeerError("ERR_NOT_CONNECTED", "there is no connection, and the request does not wait for one");
}
