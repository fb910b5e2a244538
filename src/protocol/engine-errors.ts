import { PeerError } from "../errors.ts";

const likelyBusy =
  ": the server accepted the connection and sent nothing. It may hang, or be a golang-ipc server that already has its one" +
  " client; it ignores every further one";

export function connectionLost(where: string, cause: Error | undefined): PeerError {
  return new PeerError(
    "ERR_CONNECTION_LOST",
    `the connection to the peer was lost ${where}`.trimEnd(),
    cause === undefined ? undefined : { cause },
  );
}

export function keyExhausted(): PeerError {
  return new PeerError(
    "ERR_KEY_EXHAUSTED",
    "the connection's key has sealed as many messages as it may: a new connection has a new key",
  );
}

export function frameTimeout(ms: number): PeerError {
  return new PeerError("ERR_FRAME_TIMEOUT", `the peer began a frame and did not complete it within ${ms} ms`);
}

export function closeTimeout(ms: number): PeerError {
  return new PeerError(
    "ERR_CLOSE_TIMEOUT",
    `after the close the peer accepted too little of what was still to be sent: not a tenth in ${ms} ms, or not all in ten times that`,
  );
}

export function closeInHandshakeTimeout(ms: number): PeerError {
  return new PeerError(
    "ERR_CLOSE_TIMEOUT",
    `the handshake that was under way at the close was not over within ${ms} ms`,
  );
}

/** A body of several frames, on the native profile. */
export function bodyTimeout(ms: number): PeerError {
  return new PeerError(
    "ERR_FRAME_TIMEOUT",
    `the peer began a large message and sent too little of it: not a tenth in ${ms} ms, or not all in ten times that`,
  );
}

/** `silentServer`: this end is a client, and the server has sent nothing at all. */
export function handshakeTimeout(ms: number, silentServer: boolean): PeerError {
  return new PeerError(
    "ERR_HANDSHAKE_TIMEOUT",
    `the handshake was not over within ${ms} ms${silentServer ? likelyBusy : ""}`,
  );
}
