import assert from "node:assert/strict";
import fc from "fast-check";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { batchBytes, SendBuffer } from "#dist/protocol/send-buffer.js";
import { concat } from "../support/bytes.ts";
import { type Target, target } from "./target.ts";

// Bytes that tell where they come from: views of one long run in which no two places look alike.
const source = Uint8Array.from(
  { length: 1_000_000 },
  (_, index) => (Math.imul(index, 0x9e37_79b1) >>> 13) & 0xff,
);
const maxFromSource = 640_000;

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.nat(20) },
  { weight: 2, arbitrary: fc.integer({ min: 2_040, max: 2_056 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_024, 16_383, 16_384, 16_385) },
);

function evenly(size: number): fc.Arbitrary<number> {
  return fc.constantFrom(size, size, size, size - 1, size + 1, 1);
}

const scratch = new Uint8Array(16_385);

const pushes = Array<"push">(20).fill("push");

function bytesOf(buffer: Uint8Array): string {
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length).toString("latin1");
}

const receiving = target(
  "receive buffer: what goes in comes out, in whatever portions, and what was handed out stays as it was",
  200,
  fc.oneof(
    fc.array(
      fc.tuple(
        fc.constantFrom("push", "push", "push", "take", "take", "lend", "skip", "peek", "clear"),
        sizes,
      ),
      { maxLength: 40 },
    ),
    // So that blocks are filled to the last byte, and to one too many.
    fc.array(fc.tuple(fc.constantFrom(...pushes, "take"), evenly(1_024)), { minLength: 17, maxLength: 40 }),
  ),
  (calls) => {
    const buffer = new ReceiveBuffer();
    const handedOut: [Uint8Array, string][] = [];
    let [start, end] = [0, 0];
    for (const [call, size] of calls) {
      const count = Math.min(size, end - start);
      if (call === "push") {
        buffer.push(source.slice(end, end + size));
        end += size;
      } else if (call === "take") {
        const taken = buffer.take(count);
        assert.equal(bytesOf(taken), bytesOf(source.subarray(start, start + count)));
        handedOut.push([taken, bytesOf(taken)]);
        start += count;
      } else if (call === "lend") {
        assert.equal(
          bytesOf(buffer.borrow(count, scratch).bytes),
          bytesOf(source.subarray(start, start + count)),
        );
        start += count;
      } else if (call === "skip") {
        buffer.skip(count);
        start += count;
      } else if (call === "peek" && end - start >= 4) {
        assert.equal(buffer.peekUint32(), new DataView(source.buffer).getUint32(start));
      } else if (call === "clear") {
        buffer.clear();
        start = end;
      }
      assert.equal(buffer.length, end - start);
    }
    assert.equal(bytesOf(buffer.take(end - start)), bytesOf(source.subarray(start, end)));
    assert.equal(buffer.length, 0);
    for (const [view, text] of handedOut) assert.equal(bytesOf(view), text);
  },
);

const largeSizes = fc.oneof(
  { weight: 8, arbitrary: sizes },
  { weight: 1, arbitrary: fc.constantFrom(32_767, 32_768, 32_769, 262_144, 262_145, 300_000) },
);

const sending = target(
  "send buffer: what goes in comes out in order, frames whole in their writes, and no write is huge",
  200,
  fc.oneof(
    fc.array(fc.tuple(fc.constantFrom("reserve", "push", "alone", "take"), largeSizes, sizes), {
      maxLength: 14,
    }),
    fc.array(fc.tuple(fc.constantFrom("reserve", "push"), evenly(4_096), sizes), {
      minLength: 8,
      maxLength: 14,
    }),
  ),
  (calls) => {
    const buffer = new SendBuffer();
    let [start, end] = [0, 0];
    const frameEnds = new Set<number>([0]);
    const take = (): number => {
      const write = concat(...buffer.take());
      assert.ok(write.length <= 262_144);
      assert.equal(bytesOf(write), bytesOf(source.subarray(start, start + write.length)));
      start += write.length;
      if (write.length <= batchBytes) assert.ok(frameEnds.has(start), "a small frame is cut");
      const joined = [...frameEnds].some((frameEnd) => frameEnd > start - write.length && frameEnd < start);
      assert.ok(!joined || write.length <= batchBytes, "a large write has more than one frame in it");
      return write.length;
    };
    for (const [call, size, first] of calls) {
      if (end + size > maxFromSource) break;
      const frame = source.slice(end, end + size);
      if (call === "take") {
        take();
        continue;
      }
      if (call === "reserve" && size <= batchBytes) {
        buffer.roomFor(size).set(frame);
        buffer.commit(size);
      } else if (call === "alone") buffer.pushAlone(frame.subarray(0, batchBytes));
      else buffer.push([frame.subarray(0, first), frame.subarray(first)]);
      end += call === "alone" ? Math.min(size, batchBytes) : size;
      frameEnds.add(end);
      assert.equal(buffer.length, end - start);
    }
    while (buffer.length > 0) take();
    assert.equal(start, end);
  },
);

export const bufferTargets: readonly Target[] = [receiving, sending];
