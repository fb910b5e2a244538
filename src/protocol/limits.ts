/**
 * What an engine holds its peer to. Sizes are checked before memory is taken for what a header claims.
 * Source: spec/protocol.md, "Limits".
 */
export interface EngineLimits {
  /** Largest `data` of a message, either way, in bytes. */
  readonly maxMessageBytes: number;
  /** From the first byte that could have come until the engine is open, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** From a frame's first byte to its last, or for each tenth of a body of several frames, in milliseconds. */
  readonly frameTimeoutMs: number;
  /** How long an orderly close waits for the peer to take each tenth of what was to be sent, in milliseconds. */
  readonly closeTimeoutMs: number;
}

export const defaultEngineLimits: EngineLimits = Object.freeze({
  maxMessageBytes: 3_145_728,
  handshakeTimeoutMs: 5_000,
  frameTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
});

/** The largest secret that two ends can share, in bytes. Source: spec/protocol.md, "Native key schedule". */
export const maxSecretBytes = 1_024;

/** The largest `maxMessageBytes` that can be asked for: 1 GiB. AES-256-GCM calls take less than 2 GiB at once. */
export const maxMaxMessageBytes = 1_073_741_824;

/**
 * The largest payload of the maximum-size frame. It needs 4 bytes, or 32 sealed; golang-ipc's peers ignore what
 * follows them, so a little room is left for a later profile to use.
 */
export const maxMaximumSizeFrameBytes = 256;

/**
 * How long a close that comes in the middle of the handshake waits for the handshake to be over, in milliseconds, where
 * `closeTimeoutMs` is not shorter. A peer that is alive needs a hundredth of it.
 */
export const handshakeGraceMs = 1_000;

/**
 * How long a close waits, once everything has left, for the peer to end its side, in milliseconds, where
 * `closeTimeoutMs` is not shorter. golang-ipc v1.0.0's server never ends it.
 */
export const endGraceMs = 250;

/**
 * How long after the handshake a client may end the connection at the earliest, in milliseconds. A golang-ipc server
 * whose client is gone in the instant in which it confirms takes itself for connected, and ignores everyone, for ever.
 */
export const settleAfterOpenMs = 20;
