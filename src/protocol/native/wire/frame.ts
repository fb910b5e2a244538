import { PeerError } from "../../../errors.ts";
import { reservedType } from "../../message.ts";

// The frames within a record. Source: spec/protocol.md, "Native frame".

/** Each kind of frame, with its name and number in the spec's table. */
export const frameKinds = {
  hello: 0x01,
  acknowledge: 0x02,
  "acknowledge-soon": 0x03,
  ping: 0x04,
  pong: 0x05,
  close: 0x06,
  message: 0x10,
  "message-start": 0x11,
  "message-part": 0x12,
  request: 0x20,
  "request-start": 0x21,
  "request-part": 0x22,
  "request-context": 0x23,
  "admin-request": 0x24,
  answer: 0x30,
  "answer-start": 0x31,
  "answer-part": 0x32,
  failure: 0x33,
  cancel: 0x34,
  "failure-with-data": 0x35,
  "stream-open": 0x40,
  "stream-open-start": 0x41,
  item: 0x42,
  "item-start": 0x43,
  "stream-part": 0x44,
  "stream-end": 0x45,
  "stream-reset": 0x46,
  "stop-sending": 0x47,
  "stream-credit": 0x48,
  "stream-context": 0x49,
} as const;

/** A frame's kind and the length of its body. */
export const frameHeaderBytes = 4;
/** Max bytes of frames in one record. */
export const maxRecordBytes = 131_072;
/** The largest body that this end sends in a frame: it leaves room in its record for an acknowledgement or a pong. */
export const maxBodyBytes = maxRecordBytes - 1_024 - frameHeaderBytes;
/** Min bytes of a part that is not a body's last. */
export const minPartBytes = 16_384;

/** Writes a frame's header at `offset`. */
export function writeFrameHeader(target: Uint8Array, offset: number, kind: number, bodyBytes: number): void {
  target[offset] = kind;
  target[offset + 1] = bodyBytes >>> 16;
  target[offset + 2] = bodyBytes >>> 8;
  target[offset + 3] = bodyBytes;
}

/** The length in the header at `offset`; `NaN` if the header is cut. */
export function readBodyBytes(source: Uint8Array, offset: number): number {
  const last = (source[offset + 2] as number) * 0x100 + (source[offset + 3] as number);
  return (source[offset + 1] as number) * 0x10000 + last;
}

/** Encodes a whole frame of that kind. */
export function encodeFrame(kind: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameHeaderBytes + body.length);
  writeFrameHeader(frame, 0, kind, body.length);
  frame.set(body, frameHeaderBytes);
  return frame;
}

/** Writes a number below 2^53 as eight bytes. */
export function writeUint64(target: Uint8Array, value: number, offset: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  const low = value >>> 0;
  for (let index = 0; index < 4; index++) {
    target[offset + index] = high >>> (24 - 8 * index);
    target[offset + 4 + index] = low >>> (24 - 8 * index);
  }
}

/** @throws PeerError `ERR_FRAME_INVALID` for a number of 2^53 or more, which no position reaches. */
export function readUint64(source: Uint8Array, offset: number): number {
  let value = 0;
  for (let index = 0; index < 8; index++) value = value * 256 + (source[offset + index] as number);
  if (value > Number.MAX_SAFE_INTEGER) throw invalidFrame("a position of 2^53 or more");
  return value;
}

/** The length of a kind's fixed fields. @throws PeerError `ERR_FRAME_INVALID` if no lane has such a kind. */
export function fixedBytes(kind: number): number {
  switch (kind) {
    case frameKinds["message-part"]:
    case frameKinds["stream-part"]:
      return 0;
    case frameKinds.answer:
    case frameKinds["request-part"]:
    case frameKinds["answer-part"]:
    case frameKinds.cancel:
    case frameKinds.item:
    case frameKinds["stream-end"]:
    case frameKinds["stop-sending"]:
      return 4;
    case frameKinds["admin-request"]:
      return 5;
    case frameKinds.failure:
    case frameKinds["stream-reset"]:
      return 6;
    case frameKinds.request:
    case frameKinds["message-start"]:
    case frameKinds["answer-start"]:
    case frameKinds["failure-with-data"]:
    case frameKinds["stream-open"]:
    case frameKinds["item-start"]:
      return 8;
    case frameKinds["request-start"]:
    case frameKinds["stream-open-start"]:
    case frameKinds["stream-credit"]:
      return 12;
    case frameKinds["request-context"]:
    case frameKinds["stream-context"]:
      return 30;
    default:
      throw invalidFrame(`a frame of the unknown kind ${kind}`);
  }
}

/** The type that a frame says. @throws PeerError `ERR_FRAME_INVALID` for 0, which there is not. */
export function checkFrameType(type: number): number {
  if (type === reservedType) throw invalidFrame("a message of type 0");
  return type;
}

/** The error for a frame that the spec does not allow. */
export function invalidFrame(what: string): PeerError {
  return new PeerError("ERR_FRAME_INVALID", `the peer sent ${what}`);
}
