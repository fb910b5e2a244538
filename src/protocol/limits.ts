/**
 * The limits that an engine enforces on its peer. Sizes are checked before memory is allocated for what a header
 * claims. Source: spec/protocol.md, "Limits".
 */
export interface EngineLimits {
  /** Largest `data` of a message, either way, in bytes. */
  readonly maxMessageBytes: number;
  /** From the engine's start until it is open, in milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** From a frame's first byte to its last, or for each tenth of a body of several frames, in milliseconds. */
  readonly frameTimeoutMs: number;
  /** How long an orderly close waits for the peer to accept each tenth of what is to be sent, in milliseconds. */
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

/** The largest allowed `maxMessageBytes`: 1 GiB. One call of AES-256-GCM takes less than 2 GiB. */
export const maxMaxMessageBytes = 1_073_741_824;

/**
 * The largest payload of the maximum-size frame. It needs 4 bytes, or 32 sealed; golang-ipc's peers ignore what
 * follows them, so there is some room for a later profile.
 */
export const maxMaximumSizeFrameBytes = 256;

/**
 * How long a close during the handshake waits for the handshake to end, in milliseconds, if `closeTimeoutMs` is not
 * shorter. A live peer needs a hundredth of it.
 */
export const handshakeGraceMs = 1_000;

/**
 * How long a close waits, once everything has left, for the peer to end its side, in milliseconds, if
 * `closeTimeoutMs` is not shorter. golang-ipc v1.0.0's server never ends its side.
 */
export const endGraceMs = 250;

/**
 * How soon after the handshake a client may end the connection, in milliseconds. If a client leaves right after its
 * confirmation, a golang-ipc server considers itself connected for ever, and ignores all other clients.
 */
export const settleAfterOpenMs = 20;
