import { frameKinds, maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { frameOverheadBytes } from "#dist/protocol/native/wire/lanes.js";
import { concat, hex, uint32 } from "./bytes.ts";

export type FrameKind = keyof typeof frameKinds;

/** A native frame, written by other code than the library's: the kind, the fixed fields of four bytes each, the data. */
export function nativeFrame(
  kind: FrameKind | number,
  fields: readonly number[] = [],
  data = hex(""),
): Uint8Array {
  const body = concat(...fields.map(uint32), data);
  const number = typeof kind === "number" ? kind : frameKinds[kind];
  return concat(Uint8Array.of(number), uint32(body.length).subarray(1), body);
}

/** What these frames add to their lane's position. */
export function weightOf(...frames: readonly Uint8Array[]): number {
  return frames.reduce((sum, { length }) => sum + length + frameOverheadBytes, 0);
}

/** What a record of the smallest frames that a lane can have, empty messages, adds to the lane's position. */
export const maxRecordWeight =
  Math.ceil(maxRecordBytes / nativeFrame("message", [1]).length) * weightOf(nativeFrame("message", [1]));

/** Of three positions below 2^32. */
export function acknowledgement(messages: number, requests = 0, answers = 0): Uint8Array {
  return nativeFrame("acknowledge", [0, messages, 0, requests, 0, answers]);
}

/** The frames that lie one behind the other in a record, each as its kind and its body. */
export function framesOf(record: Uint8Array): { readonly kind: FrameKind; readonly body: Uint8Array }[] {
  const names = Object.keys(frameKinds) as FrameKind[];
  const frames: { kind: FrameKind; body: Uint8Array }[] = [];
  for (let start = 0; start < record.length; ) {
    const end =
      start + 4 + new DataView(concat(hex("00"), record.subarray(start + 1, start + 4)).buffer).getUint32(0);
    const kind = names.find((name) => frameKinds[name] === record[start]);
    if (kind === undefined || end > record.length) throw new Error(`no frame at ${start}`);
    frames.push({ kind, body: record.subarray(start + 4, end) });
    start = end;
  }
  return frames;
}

/** The kinds of the frames in a record, with a space between. */
export function kindsIn(record: Uint8Array): string {
  return framesOf(record)
    .map(({ kind }) => kind)
    .join(" ");
}
