import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, flipBit, pattern } from "../support/bytes.ts";
import { type Path, paths } from "../support/engine-states.ts";
import { sealedWire, wireFor } from "../support/hand-made-peer.ts";
import { DrivenEngine, messageText, story } from "./driven-engine.ts";
import { cuttings, damage, damaged, messageType } from "./inputs.ts";
import { type Target, target } from "./target.ts";

const maxMessageBytes = 300;
const open = paths.open;

// Sealing costs more than all the rest, so the frames are made beforehand.
const frameSizes = [0, 1, 2, 3, 4, 15, 16, 17, 40, 100, 255, 299, 300, 301];
const frames = new Map(
  [true, false].map((encrypted) => [
    encrypted,
    [0, 1, 5, 0x8000_0000, 0xffff_ffff].flatMap((type) =>
      frameSizes.map((size) => wireFor(encrypted).message(type, pattern(size, type % 7))),
    ),
  ]),
);
const maxFrame = (frames.get(true)?.length ?? 0) - 1;

/** What a reader with nothing of the library's own makes of the bytes that come before an end. */
function readerOf(encrypted: boolean): (bytes: Uint8Array) => string[] {
  const overhead = encrypted ? 32 : 4;
  return (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const told: string[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = view.getUint32(at);
      if (length < overhead) return [...told, "closed ERR_FRAME_TOO_SHORT"];
      if (length > overhead + maxMessageBytes) return [...told, "closed ERR_PEER_MESSAGE_TOO_LARGE"];
      if (bytes.length - at - 4 < length) break;
      const payload = payloadOf(bytes.subarray(at, at + 4 + length), encrypted);
      if (payload === undefined) return [...told, "closed ERR_DECRYPTION_FAILED"];
      const type = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
      if (type !== 0) told.push(messageText(type, payload.subarray(4)));
      at += 4 + length;
    }
    return [...told, at === bytes.length ? "closed " : "closed ERR_CONNECTION_LOST"];
  };
}

function payloadOf(frame: Uint8Array, encrypted: boolean): Uint8Array | undefined {
  if (!encrypted) return frame.subarray(4);
  try {
    return sealedWire.open(frame);
  } catch {
    return undefined;
  }
}

function runOfFrames(encrypted: boolean): Target {
  const ways = open.filter((path) => path.encrypted === encrypted);
  const ready = frames.get(encrypted) as Uint8Array[];
  const read = readerOf(encrypted);
  const input = fc.tuple(
    fc.nat(ways.length - 1),
    fc.array(fc.nat(maxFrame), { maxLength: 6 }),
    fc.array(damage, { maxLength: 3 }),
    cuttings,
  );
  const title = `${encrypted ? "sealed" : "plain"} frames: damaged or not, they are read as another reader reads them`;
  return target(title, 150, input, ([way, list, damages, cutting]) => {
    const bytes = damaged(concat(...list.map((index) => ready[index] as Uint8Array)), damages);
    const driven = DrivenEngine.on(ways[way] as Path, { limits: { maxMessageBytes } });
    driven.receiveAll(cutting(bytes)).receiveEnd();
    assert.equal(story(driven), [...read(bytes), "written "].join("\n"));
  });
}

const changedBit = target(
  "sealed frames: one bit that was changed is noticed, and nothing is delivered",
  150,
  fc.tuple(fc.nat(maxFrame), fc.nat(), cuttings),
  ([index, where, cutting]) => {
    const good = (frames.get(true) as Uint8Array[])[index] as Uint8Array;
    const bit = 32 + (where % ((good.length - 4) * 8));
    const driven = DrivenEngine.on(open.find(({ encrypted }) => encrypted) as Path);
    driven.receiveAll(cutting(flipBit(good, bit)));
    assert.equal(driven.end, "ERR_DECRYPTION_FAILED");
    assert.equal(driven.events.length, 1);
  },
);

const anyFrame = target(
  "plain frames: any type and any length up to the limit is one message, and nothing beyond it is",
  150,
  fc.tuple(messageType, fc.nat(maxMessageBytes + 40), cuttings),
  ([type, size, cutting]) => {
    const driven = DrivenEngine.on(open.find(({ encrypted }) => !encrypted) as Path, {
      limits: { maxMessageBytes },
    });
    driven.receiveAll(cutting(wireFor(false).message(type, pattern(size))));
    if (size > maxMessageBytes) assert.equal(driven.end, "ERR_PEER_MESSAGE_TOO_LARGE");
    else assert.equal(driven.events.length, type === 0 ? 0 : 1);
  },
);

export const frameTargets: readonly Target[] = [runOfFrames(true), runOfFrames(false), changedBit, anyFrame];
