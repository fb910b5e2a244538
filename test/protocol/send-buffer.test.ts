import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { batchBytes, SendBuffer } from "#dist/protocol/send-buffer.js";
import { concat, hex, pattern, toHex } from "../support/bytes.ts";
import { lengthOnceGiven } from "../support/memory.ts";

/** What is made of each write before the next is taken: then it is gone. */
function takeEach<T>(buffer: SendBuffer, make: (parts: Uint8Array[]) => T): T[] {
  const made: T[] = [];
  for (let parts = buffer.take(); parts.length > 0; parts = buffer.take()) made.push(make(parts));
  return made;
}

function takeAll(buffer: SendBuffer): Uint8Array[] {
  return takeEach(buffer, (parts) => concat(...parts));
}

/** The sizes of the writes. */
function sizes(buffer: SendBuffer): number[] {
  return takeAll(buffer).map(({ length }) => length);
}

function text(buffer: SendBuffer): string[] {
  return takeAll(buffer).map(toHex);
}

describe("SendBuffer", () => {
  test("has nothing to take at first", () => {
    const buffer = new SendBuffer();
    assert.deepEqual(buffer.take(), []);
    assert.equal(buffer.length, 0);
  });

  test("lets small frames share a write, in order", () => {
    const buffer = new SendBuffer();
    buffer.push([hex("01"), hex("02 03")]);
    buffer.roomFor(2).set(hex("04 05"));
    buffer.commit(2);
    buffer.push([hex("06")]);
    assert.equal(buffer.length, 6);
    assert.deepEqual(text(buffer), ["01 02 03 04 05 06"]);
    assert.equal(buffer.length, 0);
  });

  test("puts what comes after a write was cut into the next", () => {
    const buffer = new SendBuffer();
    buffer.push([hex("01")]);
    const first = concat(...buffer.take());
    buffer.push([hex("02")]);
    assert.equal(toHex(first), "01");
    assert.deepEqual(text(buffer), ["02"]);
  });

  test("fills a write to 32 KiB and not one byte further", () => {
    const buffer = new SendBuffer();
    buffer.push([pattern(batchBytes - 8)]);
    buffer.push([pattern(8)]);
    assert.deepEqual(sizes(buffer), [32_768]);
    buffer.push([pattern(batchBytes - 8)]);
    buffer.push([pattern(9)]);
    assert.deepEqual(sizes(buffer), [32_760, 9]);
  });

  test("does the same for reserved frames", () => {
    const buffer = new SendBuffer();
    buffer.roomFor(batchBytes).fill(1);
    buffer.commit(batchBytes);
    buffer.roomFor(1).fill(2);
    buffer.commit(1);
    assert.deepEqual(sizes(buffer), [32_768, 1]);
  });

  test("keeps a frame over 32 KiB in a write of its own, uncopied, in its place", () => {
    const buffer = new SendBuffer();
    const head = hex("0a");
    const body = pattern(batchBytes);
    buffer.push([hex("01")]);
    buffer.push([head, body]);
    buffer.push([hex("02")]);
    assert.equal(buffer.length, batchBytes + 3);
    assert.equal(toHex(concat(...buffer.take())), "01");
    const large = buffer.take();
    assert.equal(large[0], head);
    assert.equal(large[1], body);
    assert.deepEqual(concat(...large), concat(hex("0a"), pattern(batchBytes)));
    assert.equal(toHex(concat(...buffer.take())), "02");
  });

  test("gives a frame over 256 KiB in writes of at most that, uncopied, so that a slow peer's progress shows", () => {
    const buffer = new SendBuffer();
    const parts = [hex("0a"), pattern(700_000), hex("0b 0c")];
    buffer.push(parts);
    buffer.push([hex("02")]);
    assert.equal(buffer.length, 700_004);
    const writes = takeAll(buffer);
    assert.deepEqual(
      writes.map(({ length }) => length),
      [262_144, 262_144, 175_715, 1],
    );
    assert.deepEqual(concat(...writes.slice(0, 3)), concat(...parts));
    assert.equal(buffer.length, 0);
  });

  test("gives a frame of twice 256 KiB in two writes", () => {
    const buffer = new SendBuffer();
    buffer.push([pattern(524_288)]);
    assert.deepEqual(sizes(buffer), [262_144, 262_144]);
  });

  test("copies a frame of 32 KiB and lets go of its parts", () => {
    const buffer = new SendBuffer();
    const body = pattern(batchBytes);
    buffer.push([body]);
    body.fill(0);
    assert.deepEqual(buffer.take(), [pattern(batchBytes)]);
  });

  test("lets a part that must stand alone do so", () => {
    const buffer = new SendBuffer();
    buffer.push([hex("01")]);
    buffer.pushAlone(hex("02"));
    buffer.pushAlone(hex("03"));
    buffer.push([hex("04")]);
    assert.equal(buffer.length, 4);
    assert.deepEqual(text(buffer), ["01", "02", "03", "04"]);
  });

  test("counts down as writes are cut", () => {
    const buffer = new SendBuffer();
    buffer.pushAlone(hex("01 02"));
    buffer.push([hex("03")]);
    buffer.take();
    assert.equal(buffer.length, 1);
    buffer.take();
    assert.equal(buffer.length, 0);
  });

  test("forgets everything when cleared, and can be used again", () => {
    const buffer = new SendBuffer();
    buffer.pushAlone(hex("01"));
    buffer.push([hex("02")]);
    buffer.clear();
    assert.equal(buffer.length, 0);
    assert.deepEqual(buffer.take(), []);
    buffer.push([hex("03")]);
    assert.deepEqual(text(buffer), ["03"]);
  });

  test("keeps what was written while its room grows", () => {
    const buffer = new SendBuffer();
    for (let seed = 0; seed < 40; seed++) buffer.push([pattern(700, seed)]);
    const expected = concat(...Array.from({ length: 40 }, (_, seed) => pattern(700, seed)));
    assert.deepEqual(concat(...takeAll(buffer)), expected);
  });

  test("takes little memory for little, and little again some writes after much", () => {
    const buffer = new SendBuffer();
    const memoryFor = (count: number) => {
      buffer.push([pattern(count)]);
      return buffer.take()[0]?.buffer.byteLength;
    };
    assert.equal(memoryFor(8), 1_024);
    assert.equal(memoryFor(20_000), 32_768);
    assert.equal(memoryFor(20_000), 32_768, "the guess held");
    const falling = Array.from({ length: 7 }, () => memoryFor(8));
    assert.deepEqual(falling, [32_768, 16_384, 8_192, 4_096, 2_048, 1_024, 1_024]);
    assert.equal(memoryFor(1_025), 2_048);
  });

  test("uses the room that it has to the last byte", () => {
    const buffer = new SendBuffer();
    buffer.push([pattern(1_000)]);
    buffer.push([pattern(24)]);
    assert.equal(buffer.take()[0]?.buffer.byteLength, 1_024);
  });

  test("keeps its guess while a quarter of it is used", () => {
    const buffer = new SendBuffer();
    const memoryFor = (count: number) => {
      buffer.push([pattern(count)]);
      return buffer.take()[0]?.buffer.byteLength;
    };
    memoryFor(4_096);
    assert.equal(memoryFor(1_024), 4_096);
    assert.equal(memoryFor(1_023), 4_096);
    assert.equal(memoryFor(1_023), 2_048);
  });
});

describe("a write that was taken from a SendBuffer", () => {
  test("is given back with the next write, even an empty one, and not before", () => {
    for (const next of [[], [hex("01")]]) {
      const buffer = new SendBuffer();
      buffer.push([hex("0a"), pattern(50_000)]);
      const parts = buffer.take();
      for (const bytes of next) buffer.pushAlone(bytes);
      assert.deepEqual(concat(...parts), concat(hex("0a"), pattern(50_000)));
      assert.deepEqual(buffer.take(), next);
      assert.deepEqual(
        parts.map(({ length }) => length),
        [1, lengthOnceGiven(50_000)],
      );
    }
  });

  test("is given back if it is a full batch, and not if that has room left", () => {
    for (const count of [batchBytes, batchBytes - 1]) {
      const buffer = new SendBuffer();
      buffer.roomFor(count).set(pattern(count));
      buffer.commit(count);
      const [batch] = buffer.take() as [Uint8Array];
      assert.deepEqual(batch, pattern(count));
      buffer.take();
      assert.equal(batch.length, count === batchBytes ? lengthOnceGiven(count) : count);
    }
  });

  test("is given back if it stood alone", () => {
    const buffer = new SendBuffer();
    buffer.pushAlone(pattern(20_000));
    const [alone] = buffer.take() as [Uint8Array];
    buffer.take();
    assert.equal(alone.length, lengthOnceGiven(20_000));
  });

  test("stays if it is a slice of what leaves in several, the last too", () => {
    const buffer = new SendBuffer();
    const large = pattern(700_000);
    buffer.push([large]);
    takeAll(buffer);
    assert.deepEqual(large, pattern(700_000));
  });

  test("does not take with it what waits behind it", () => {
    const buffer = new SendBuffer();
    for (let seed = 0; seed < 5; seed++) buffer.push([pattern(40_000, seed)]);
    for (let seed = 0; seed < 5; seed++) assert.deepEqual(concat(...buffer.take()), pattern(40_000, seed));
  });

  test("is still on its way when the buffer is cleared", () => {
    const buffer = new SendBuffer();
    buffer.push([pattern(40_000)]);
    const [part] = buffer.take() as [Uint8Array];
    buffer.push([pattern(40_000, 1)]);
    buffer.clear();
    assert.deepEqual(part, pattern(40_000));
    assert.deepEqual(buffer.take(), []);
    assert.equal(part.length, lengthOnceGiven(40_000));
  });
});

type Step =
  | { readonly kind: "push" | "reserve" | "alone"; readonly size: number }
  | { readonly kind: "take" };

const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_024, 32_767, 32_768, 32_769, 50_000) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("push" as const), size }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("reserve" as const), size }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("alone" as const), size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
);

function write(buffer: SendBuffer, kind: "push" | "reserve" | "alone", frame: Uint8Array): void {
  if (kind === "alone") {
    buffer.pushAlone(Uint8Array.from(frame));
  } else if (kind === "reserve" && frame.length <= batchBytes) {
    buffer.roomFor(frame.length).set(frame);
    buffer.commit(frame.length);
  } else {
    const middle = frame.length >> 1;
    buffer.push([frame.slice(0, middle), frame.slice(middle)]);
  }
}

interface Frame {
  readonly bytes: Uint8Array;
  readonly alone: boolean;
}

/** Takes a write off the front of `frames`: whole frames only, and where there are several, small ones only. */
function checkWrite(parts: Uint8Array[], frames: Frame[]): void {
  const written = concat(...parts);
  const taken: Frame[] = [];
  let checked = 0;
  while (checked < written.length) {
    const frame = frames.shift();
    assert.ok(frame, "nothing comes out that did not go in");
    assert.deepEqual(written.subarray(checked, checked + frame.bytes.length), frame.bytes);
    checked += frame.bytes.length;
    taken.push(frame);
  }
  assert.equal(checked, written.length, "a write ends where a frame does");
  if (taken.length <= 1) return;
  assert.ok(written.length <= batchBytes);
  assert.ok(!taken.some(({ alone }) => alone));
}

test("what comes out of a SendBuffer is what went in, in whole frames, at most 32 KiB of them together", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const buffer = new SendBuffer();
      const frames: Frame[] = [];
      steps.forEach((step, index) => {
        if (step.kind === "take") {
          checkWrite(buffer.take(), frames);
          return;
        }
        const bytes = pattern(step.size, index);
        write(buffer, step.kind, bytes);
        frames.push({ bytes, alone: step.kind === "alone" });
        assert.equal(
          buffer.length,
          frames.reduce((sum, { bytes }) => sum + bytes.length, 0),
        );
      });
      takeEach(buffer, (parts) => checkWrite(parts, frames));
      assert.equal(frames.length, 0, "all came out");
    }),
    { numRuns: 300 },
  );
});
