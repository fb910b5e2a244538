import { PeerError } from "../../errors.ts";
import { type MessageContent, reservedType } from "../message.ts";
import type { Profile } from "../profile.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { batchBytes, type SendBuffer } from "../send-buffer.ts";
import {
  encodeUint32,
  type FrameBounds,
  lengthBytes,
  readFrame,
  readUint32,
  typeBytes,
  writeUint32,
} from "./frame.ts";
import { type RecordProtection, sealedOverheadBytes } from "./record.ts";

/** golang-ipc's messages: one frame each, sealed one by one where the connection is encrypted. */
export class ClassicProfile implements Profile {
  readonly name = "classic";
  readonly encrypted: boolean;
  readonly #records: RecordProtection | undefined;
  readonly #bounds: FrameBounds;

  constructor(maxMessageBytes: number, records?: RecordProtection) {
    const overheadBytes = typeBytes + (records === undefined ? 0 : sealedOverheadBytes);
    this.encrypted = records !== undefined;
    this.#records = records;
    this.#bounds = {
      leastBytes: overheadBytes,
      mostBytes: overheadBytes + maxMessageBytes,
      tooLarge: (payloadBytes) =>
        new PeerError(
          "ERR_PEER_MESSAGE_TOO_LARGE",
          `the peer announced a message of ${payloadBytes - overheadBytes} bytes, over maxMessageBytes (${maxMessageBytes})`,
        ),
    };
  }

  encode(type: number, data: Uint8Array, output: SendBuffer): void {
    if (this.#records !== undefined) {
      encodeSealed(type, data, output, this.#records);
      return;
    }
    const headBytes = lengthBytes + typeBytes;
    const fits = headBytes + data.length <= batchBytes;
    const frame = fits ? output.reserve(headBytes + data.length) : new Uint8Array(headBytes + data.length);
    writeUint32(frame, typeBytes + data.length, 0);
    writeUint32(frame, type, lengthBytes);
    frame.set(data, headBytes);
    if (!fits) output.push([frame]);
  }

  decode(input: ReceiveBuffer): MessageContent | undefined {
    for (;;) {
      this.#records?.lookAhead(input);
      const payload = readFrame(input, this.#bounds);
      if (payload === undefined) return undefined;
      const plaintext = this.#records === undefined ? payload : this.#records.open(payload);
      const type = readUint32(plaintext, 0);
      if (type !== reservedType) return { type, data: ownData(plaintext.subarray(typeBytes)) };
    }
  }
}

/**
 * A view, unless it would keep far more memory alive than it shows: the chunk that it lies in. A peer could otherwise
 * make each of many small messages hold 64 KiB.
 */
function ownData(data: Uint8Array): Uint8Array {
  const roomyBytes = 2 * data.length + 128;
  return data.buffer.byteLength > roomyBytes ? data.slice() : data;
}

function encodeSealed(type: number, data: Uint8Array, output: SendBuffer, records: RecordProtection): void {
  const payloadBytes = sealedOverheadBytes + typeBytes + data.length;
  if (lengthBytes + payloadBytes > batchBytes) {
    output.push([encodeUint32(payloadBytes), ...records.seal([encodeUint32(type), data])]);
    return;
  }
  const frame = output.reserve(lengthBytes + payloadBytes);
  writeUint32(frame, payloadBytes, 0);
  records.sealInto(frame.subarray(lengthBytes), [encodeUint32(type), data]);
}
