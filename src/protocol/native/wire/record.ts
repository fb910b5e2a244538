import { PeerError } from "../../../errors.ts";
import { type Aead, aeadNonceBytes, aeadTagBytes, type CryptoProvider } from "../../crypto-provider.ts";
import { encodeUint32, writeUint32 } from "../../integers.ts";
import { type FrameBounds, lengthBytes, readFrame } from "../../length-prefix.ts";
import type { Received } from "../../memory.ts";
import { joinParts, lengthOfParts } from "../../parts.ts";
import type { ReceiveBuffer } from "../../receive-buffer.ts";
import { secretMemory } from "../../secret-memory.ts";
import { ShortMessages } from "../../short-messages.ts";
import { takeSmall } from "../../slab.ts";
import { frameHeaderBytes, maxRecordBytes } from "./frame.ts";
import { deriveTrafficKeys, nextTrafficSecret } from "./key-schedule.ts";

/** How many records each direction seals under one key. Source: spec/protocol.md, "Native key schedule". */
export const recordsPerKey = 524_288;

/** What one direction's records are sealed with. They own the traffic secret, and wipe it. */
export interface RecordKeys {
  readonly trafficSecret: Uint8Array;
  readonly crypto: CryptoProvider;
}

/** Records of up to this many bytes leave in one piece: to join them costs less than to send them in parts. */
const joinedBytes = 4_096;

/** Makes records of frames. Without keys the records are plain. Source: spec/protocol.md, "Native record". */
export class RecordWriter {
  readonly #protection: Protection | undefined;

  constructor(keys?: RecordKeys, changeKeyAfter = recordsPerKey) {
    this.#protection = keys && new Protection(keys, changeKeyAfter);
  }

  /**
   * One record of these frames, which have 4 to 131,072 bytes together, in parts. If the record is sealed or small,
   * `frames` are not used after the call; otherwise they are among the parts.
   */
  write(frames: readonly Uint8Array[]): Uint8Array[] {
    const frameBytes = lengthOfParts(frames);
    if (this.#protection !== undefined) return this.#protection.seal(frames, frameBytes);
    const header = encodeUint32(frameBytes);
    return frameBytes > joinedBytes ? [header, ...frames] : [joinParts([header, ...frames])];
  }

  /** Overwrites the keys. No further record can be written. */
  wipe(): void {
    this.#protection?.wipe();
  }
}

/**
 * Reads the frames of records as they arrive. Without keys the records are plain.
 * Source: spec/protocol.md, "Native record".
 */
export class RecordReader {
  readonly #protection: Protection | undefined;
  readonly #bounds: FrameBounds;
  #openedOne = false;

  constructor(keys?: RecordKeys, changeKeyAfter = recordsPerKey) {
    this.#protection = keys && new Protection(keys, changeKeyAfter);
    this.#bounds = keys === undefined ? plainBounds : sealedBounds;
  }

  /**
   * The frames of the next record, valid until the next call unless they are `owned`; `undefined` until all of it has
   * arrived. @throws PeerError `ERR_FRAME_TOO_SHORT` or `ERR_FRAME_TOO_LARGE`; if the record does not open,
   * `ERR_AUTHENTICATION_FAILED` for the first and `ERR_DECRYPTION_FAILED` for a later one. Nothing can be read after
   * that.
   */
  read(input: ReceiveBuffer): Received | undefined {
    if (this.#protection === undefined) return readFrame(input, this.#bounds);
    const payload = readFrame(input, this.#bounds, sealedScratch);
    if (payload === undefined) return undefined;
    const frames = this.#protection.open(payload.bytes);
    if (frames === undefined) throw this.#openedOne ? wasChanged() : isNotThePeer();
    this.#openedOne = true;
    return frames;
  }

  /** Overwrites the keys. No further record can be read. */
  wipe(): void {
    this.#protection?.wipe();
  }
}

/**
 * Where sealed records that arrived in pieces are joined. All readers share it: one is opened within the same call.
 */
const sealedScratch = new Uint8Array(maxRecordBytes + aeadTagBytes);

/** The header of the record that is being opened, which is its additional data. */
const openedHeader = new Uint8Array(lengthBytes);

/** The nonce of the record that is being sealed or opened: of all connections, as both are done within one call. */
const nonce = secretMemory(aeadNonceBytes);

/** One direction's key and the number of its next record. */
class Protection {
  readonly #crypto: CryptoProvider;
  readonly #changeKeyAfter: number;
  #trafficSecret: Uint8Array;
  #keys: DirectionKeys;
  #recordNumber = 0;
  #keyLeft: number;

  constructor({ trafficSecret, crypto }: RecordKeys, changeKeyAfter: number) {
    this.#crypto = crypto;
    this.#changeKeyAfter = changeKeyAfter;
    this.#keyLeft = changeKeyAfter;
    this.#trafficSecret = trafficSecret;
    this.#keys = makeKeys(trafficSecret, crypto);
  }

  /** A whole record in parts. */
  seal(frames: readonly Uint8Array[], frameBytes: number): Uint8Array[] {
    const recordNumber = this.#advance();
    const { aead, iv, short } = this.#keys;
    const batch = short.take(frameBytes, recordNumber);
    if (batch !== undefined) {
      const record = takeSmall(lengthBytes + frameBytes + aeadTagBytes);
      writeUint32(record, frameBytes + aeadTagBytes, 0);
      batch.sealNext(frames, record, lengthBytes, recordNumber);
      return [record];
    }
    writeRecordNonce(nonce, 0, iv, recordNumber);
    const header = encodeUint32(frameBytes + aeadTagBytes);
    const parts = [header, ...aead.seal(nonce, frames, header)];
    return frameBytes > joinedBytes ? parts : [joinParts(parts)];
  }

  open(payload: Uint8Array): Received | undefined {
    const recordNumber = this.#advance();
    const { aead, iv, short } = this.#keys;
    writeUint32(openedHeader, payload.length, 0);
    const batch = short.take(payload.length - aeadTagBytes, recordNumber);
    const owned = batch === undefined;
    if (owned) writeRecordNonce(nonce, 0, iv, recordNumber);
    const bytes = owned
      ? aead.open(nonce, payload, openedHeader)
      : batch.openNext(payload, openedHeader, recordNumber);
    return bytes && { bytes, owned };
  }

  /** A later call to seal or open throws. */
  wipe(): void {
    this.#trafficSecret.fill(0);
    nonce.fill(0);
    wipeKeys(this.#keys);
  }

  /** Returns the number of the next record, and makes its key current. */
  #advance(): number {
    if (this.#keyLeft === 0) this.#changeKey();
    this.#keyLeft -= 1;
    this.#recordNumber += 1;
    return this.#recordNumber - 1;
  }

  #changeKey(): void {
    const next = nextTrafficSecret(this.#trafficSecret, this.#crypto);
    this.#trafficSecret.fill(0);
    this.#trafficSecret = next;
    wipeKeys(this.#keys);
    this.#keys = makeKeys(next, this.#crypto);
    this.#keyLeft = this.#changeKeyAfter;
  }
}

/** What is derived from one traffic secret. */
interface DirectionKeys {
  readonly aead: Aead;
  readonly iv: Uint8Array;
  readonly short: ShortMessages;
}

/** Writes the nonce at `offset`: the IV, with its last eight bytes XORed with the record's number, below 2^53. */
export function writeRecordNonce(
  nonce: Uint8Array,
  offset: number,
  iv: Uint8Array,
  recordNumber: number,
): void {
  nonce.set(iv, offset);
  const high = Math.floor(recordNumber / 0x1_0000_0000);
  const low = recordNumber >>> 0;
  for (let shift = 0; shift < 32; shift += 8) {
    const fromEnd = shift >>> 3;
    (nonce[offset + 7 - fromEnd] as number) ^= (high >>> shift) & 0xff;
    (nonce[offset + 11 - fromEnd] as number) ^= (low >>> shift) & 0xff;
  }
}

function makeKeys(trafficSecret: Uint8Array, crypto: CryptoProvider): DirectionKeys {
  const { key, iv } = deriveTrafficKeys(trafficSecret, crypto);
  const aead = crypto.createAead(key);
  key.fill(0);
  const short = new ShortMessages(aead, {
    kind: "known",
    draw: (count, firstNumber) => recordNonces(iv, count, firstNumber as number),
  });
  return { aead, iv, short };
}

/** Of the records from that number on. */
function recordNonces(iv: Uint8Array, count: number, firstNumber: number): Uint8Array {
  const nonces = secretMemory(count * aeadNonceBytes);
  for (let index = 0; index < count; index++) {
    writeRecordNonce(nonces, index * aeadNonceBytes, iv, firstNumber + index);
  }
  return nonces;
}

function wipeKeys({ aead, iv, short }: DirectionKeys): void {
  aead.wipe();
  iv.fill(0);
  short.wipe();
}

function boundsWith(overheadBytes: number): FrameBounds {
  const maxBytes = maxRecordBytes + overheadBytes;
  return {
    minBytes: frameHeaderBytes + overheadBytes,
    maxBytes,
    tooLarge: (bytes) =>
      new PeerError(
        "ERR_FRAME_TOO_LARGE",
        `the peer announced a record of ${bytes} bytes; ${maxBytes} is the max`,
      ),
  };
}

const plainBounds = boundsWith(0);
const sealedBounds = boundsWith(aeadTagBytes);

function isNotThePeer(): PeerError {
  return new PeerError(
    "ERR_AUTHENTICATION_FAILED",
    "the peer's first record could not be opened: the secrets differ, only one end has one, or a process is in between",
  );
}

function wasChanged(): PeerError {
  return new PeerError(
    "ERR_DECRYPTION_FAILED",
    "a record could not be opened: it was changed, repeated, left out or moved on its way",
  );
}
