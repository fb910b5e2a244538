import { PeerError } from "../../errors.ts";

export function requestTimeout(timeoutMs: number): PeerError {
  return new PeerError("ERR_REQUEST_TIMEOUT", `the request was not answered within ${timeoutMs} ms`);
}

export function sessionLost(): PeerError {
  return new PeerError(
    "ERR_SESSION_LOST",
    "the peer no longer knows the session, so whether the request was handled cannot be told",
  );
}

export function notConnected(): PeerError {
  return new PeerError("ERR_NOT_CONNECTED", "there is no connection, and the request is not to wait for one");
}
