import { PeerError } from "../../errors.ts";
import { type RecordProtection, sealedOverheadBytes } from "../classic/record.ts";
import { aeadNonceBytes } from "../crypto-provider.ts";
import { equalBytes } from "../equal-bytes.ts";
import { encodeUint32, readUint32 } from "../integers.ts";
import { lengthBytes, readFrame } from "../length-prefix.ts";
import { maxMaximumSizeFrameBytes } from "../limits.ts";
import { joinParts, lengthOfParts } from "../parts.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";

// The parts of the handshake in the order in which they are sent. Source: spec/protocol.md, "Handshake".

/** golang-ipc v1.0.0 to v1.2.4 all send 2. */
export const protocolVersion = 2;

export interface Hello {
  readonly version: number;
  readonly encrypted: boolean;
}

export function encodeHello(encrypted: boolean): Uint8Array {
  return Uint8Array.of(protocolVersion, encrypted ? 1 : 0);
}

/** @throws PeerError `ERR_HANDSHAKE_INVALID` if the second byte is neither 0 nor 1. */
export function decodeHello(input: ReceiveBuffer): Hello | undefined {
  if (input.length < 2) return undefined;
  const [version, encryption] = input.take(2) as unknown as [number, number];
  if (version === protocolVersion && encryption > 1) {
    throw new PeerError(
      "ERR_HANDSHAKE_INVALID",
      `the server's encryption byte is ${encryption}, neither 0 nor 1: is this a golang-ipc or sealpipe server?`,
    );
  }
  return { version, encrypted: encryption === 1 };
}

/** The client's answer to the hello. After anything but `accepted` both sides give up. */
export const answers = {
  accepted: 0,
  otherVersion: 1,
  encryptionRequired: 2,
  failed: 3,
} as const;

export function encodeAnswer(answer: keyof typeof answers): Uint8Array {
  return Uint8Array.of(answers[answer]);
}

/** True once the client has accepted. @throws PeerError with the reason if it refuses. */
export function decodeAnswer(input: ReceiveBuffer): true | undefined {
  if (input.length < 1) return undefined;
  const answer = input.take(1)[0];
  switch (answer) {
    case answers.accepted:
      return true;
    case answers.otherVersion:
      throw new PeerError(
        "ERR_VERSION_MISMATCH",
        `the client does not speak protocol version ${protocolVersion}`,
      );
    case answers.encryptionRequired:
      throw new PeerError(
        "ERR_ENCRYPTION_REQUIRED",
        "the client insists on encryption, which this server has off",
      );
    default:
      throw new PeerError("ERR_HANDSHAKE_REJECTED", `the client refused the handshake with answer ${answer}`);
  }
}

/** `sealpip1`: a plain server that speaks native sends this after its maximum size. */
export const nativeMagic: Uint8Array = Uint8Array.of(0x73, 0x65, 0x61, 0x6c, 0x70, 0x69, 0x70, 0x31);

/**
 * The server's max message size, as a frame whose payload is sealed if the connection is encrypted. `nativeSign`
 * shows that the server speaks native: sealed, it is the nonce, which is otherwise random; plain, it follows the
 * size.
 */
export function encodeMaximumSize(
  maxMessageBytes: number,
  records?: RecordProtection,
  nativeSign?: Uint8Array,
): Uint8Array {
  const size = encodeUint32(maxMessageBytes);
  const plain = nativeSign === undefined ? [size] : [size, nativeSign];
  const payload = records === undefined ? plain : records.seal([size], nativeSign);
  // In one piece: golang-ipc reads each part of the handshake with a single read.
  return joinParts([encodeUint32(lengthOfParts(payload)), ...payload]);
}

export interface MaximumSize {
  readonly maxMessageBytes: number;
  /** The whole frame, as it was on the wire. */
  readonly frame: Uint8Array;
}

/**
 * Anything after the four bytes of the size is ignored, as golang-ipc does.
 * @throws PeerError `ERR_FRAME_TOO_SHORT`, `ERR_FRAME_TOO_LARGE` or `ERR_DECRYPTION_FAILED`.
 */
export function decodeMaximumSize(input: ReceiveBuffer, records?: RecordProtection): MaximumSize | undefined {
  const payload = readFrame(input, {
    minBytes: 4 + (records === undefined ? 0 : sealedOverheadBytes),
    maxBytes: maxMaximumSizeFrameBytes,
    tooLarge: (bytes) =>
      new PeerError(
        "ERR_FRAME_TOO_LARGE",
        `the server's maximum-size frame announces ${bytes} bytes; ${maxMaximumSizeFrameBytes} is the max`,
      ),
  });
  if (payload === undefined) return undefined;
  const { bytes } = payload;
  const plaintext = records === undefined ? bytes : records.open(bytes).bytes;
  const maxMessageBytes = readUint32(plaintext, 0);
  return { maxMessageBytes, frame: joinParts([encodeUint32(bytes.length), bytes]) };
}

/**
 * Whether the maximum-size frame shows that the server speaks native. An encrypted server shows it by the nonce
 * `nonce`.
 */
export function saysNative({ frame }: MaximumSize, nonce?: Uint8Array): boolean {
  if (nonce !== undefined)
    return equalBytes(frame.subarray(lengthBytes, lengthBytes + aeadNonceBytes), nonce);
  const behindSize = lengthBytes + 4;
  return equalBytes(frame.subarray(behindSize, behindSize + nativeMagic.length), nativeMagic);
}

/** The last byte, by which the client confirms the maximum size. To golang-ipc its value has no meaning. */
export const confirmations = { classic: 0, native: 1 } as const;

export function encodeConfirmation(profile: keyof typeof confirmations): Uint8Array {
  return Uint8Array.of(confirmations[profile]);
}

export function decodeConfirmation(input: ReceiveBuffer): keyof typeof confirmations | undefined {
  if (input.length < 1) return undefined;
  return input.take(1)[0] === confirmations.native ? "native" : "classic";
}
