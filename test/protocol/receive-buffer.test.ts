import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, pattern, toHex } from "../support/bytes.ts";
import { byteAtATime } from "../support/cutting.ts";
import { lengthOnceGiven } from "../support/memory.ts";

function filled(...chunks: Uint8Array[]): ReceiveBuffer {
  const buffer = new ReceiveBuffer();
  for (const chunk of chunks) buffer.push(chunk);
  return buffer;
}

describe("ReceiveBuffer", () => {
  test("is empty at first, and an empty chunk leaves it so", () => {
    const buffer = filled(hex(""), hex(""));
    assert.equal(buffer.length, 0);
    assert.deepEqual(buffer.take(0), hex(""));
  });

  test("lends what lies within one chunk as a view of it", () => {
    const chunk = hex("01 02 03 04");
    const buffer = filled(chunk);
    buffer.skip(1);
    const view = buffer.borrow(2).bytes;
    assert.equal(toHex(view), "02 03");
    assert.equal(view.buffer, chunk.buffer);
    assert.equal(buffer.length, 1);
  });

  test("shows what is left of the oldest chunk without taking it", () => {
    assert.deepEqual(filled().firstChunk, hex(""));
    const buffer = filled(hex("01 02 03"), pattern(3_000));
    buffer.skip(1);
    assert.equal(toHex(buffer.firstChunk), "02 03");
    assert.equal(buffer.length, 3_002);
  });

  test("joins what spans chunks", () => {
    const large = pattern(3_000);
    const buffer = filled(hex("01 02"), large, hex("03 04"));
    assert.equal(toHex(buffer.take(1)), "01");
    assert.deepEqual(buffer.take(3_002), concat(hex("02"), large, hex("03")));
    assert.equal(toHex(buffer.take(1)), "04");
    assert.equal(buffer.length, 0);
  });

  test("takes up to a chunk's end and goes on with the next", () => {
    const buffer = filled(pattern(2_048, 1), pattern(2_048, 2));
    assert.deepEqual(buffer.take(2_048), pattern(2_048, 1));
    assert.deepEqual(buffer.take(2_048), pattern(2_048, 2));
  });

  test("peeks at a number and leaves it in place", () => {
    const buffer = filled(hex("ff 01 02 03 04"));
    buffer.skip(1);
    assert.equal(buffer.peekUint32(), 0x0102_0304);
    assert.equal(buffer.length, 4);
    assert.equal(toHex(buffer.take(4)), "01 02 03 04");
  });

  test("peeks at a number that spans chunks", () => {
    const buffer = filled(pattern(2_047), hex("01"), hex("02"), concat(hex("03 04"), pattern(3_000)));
    buffer.skip(2_047);
    assert.equal(buffer.peekUint32(), 0x0102_0304);
  });

  test("peeks at a number that begins in what is left of a chunk", () => {
    const buffer = filled(hex("ff ff ff ff 01 02"), hex("03 04"));
    buffer.skip(4);
    assert.equal(buffer.peekUint32(), 0x0102_0304);
    assert.equal(toHex(buffer.take(4)), "01 02 03 04");
  });

  test("reads numbers without a sign", () => {
    assert.equal(filled(hex("ff ff ff ff")).peekUint32(), 4_294_967_295);
    assert.equal(filled(hex("80 00 00 00")).peekUint32(), 2_147_483_648);
  });

  test("skips across chunks", () => {
    const buffer = filled(pattern(2_048), pattern(2_048), hex("0a 0b"));
    buffer.skip(4_097);
    assert.equal(buffer.length, 1);
    assert.equal(toHex(buffer.take(1)), "0b");
  });

  test("forgets everything when cleared, and can be used again", () => {
    const buffer = filled(hex("01 02"), hex("03"));
    buffer.skip(1);
    buffer.clear();
    assert.equal(buffer.length, 0);
    buffer.push(hex("04"));
    buffer.push(hex("05"));
    assert.equal(toHex(buffer.take(2)), "04 05");
  });

  test("says so if it is asked for more than it has", () => {
    assert.throws(() => filled(hex("01 02 03")).peekUint32(), RangeError);
    assert.throws(() => filled(hex("01 02 03")).take(4), RangeError);
    assert.throws(() => filled().take(1), RangeError);
  });

  test("keeps bytes that arrive one at a time together, not each as an object of its own", () => {
    const bytes = pattern(20_000);
    const buffer = filled(...byteAtATime(bytes));
    // The first chunk stands alone, the block behind it is full.
    buffer.skip(1);
    const first = buffer.borrow(10).bytes;
    assert.deepEqual(first, bytes.subarray(1, 11));
    const rest = buffer.borrow(16_374).bytes;
    assert.deepEqual(rest, bytes.subarray(11, 16_385));
    assert.equal(first.buffer.byteLength, 16_384);
    assert.equal(rest.buffer, first.buffer, "views of one block");
    assert.deepEqual(buffer.take(3_615), bytes.subarray(16_385));
  });

  test("keeps a large chunk as it came, and what follows it in a block of its own", () => {
    const large = pattern(16_384, 3);
    const buffer = filled(hex("01"), hex("02"), large, hex("03"));
    buffer.skip(2);
    assert.equal(buffer.borrow(16_384).bytes.buffer, large.buffer);
    assert.equal(toHex(buffer.take(1)), "03");
  });

  test("copies a chunk just too small to stand alone", () => {
    const small = pattern(2_047, 3);
    const buffer = filled(hex("01"), small);
    buffer.skip(1);
    const copy = buffer.borrow(2_047).bytes;
    assert.deepEqual(copy, small);
    assert.notEqual(copy.buffer, small.buffer);
  });

  test("fills a block to its last byte", () => {
    const sizes = [2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 384];
    const chunks = sizes.map((size, index) => pattern(size, index));
    const buffer = filled(hex("01"), ...chunks);
    buffer.skip(1);
    const block = buffer.borrow(16_000).bytes.buffer;
    assert.equal(buffer.borrow(384).bytes.buffer, block);
  });

  test("gives bytes away in memory of their own, and lends what lies in one chunk", () => {
    const chunk = pattern(100);
    const taken = filled(chunk).take(100);
    assert.notEqual(taken.buffer, chunk.buffer);
    assert.deepEqual(taken, chunk);
    const { bytes, owned } = filled(chunk).borrow(100);
    assert.equal(bytes.buffer, chunk.buffer);
    assert.equal(owned, false);
  });

  test("gives away what it had to copy, unless the caller had memory for it", () => {
    const [first, second] = [pattern(3_000, 1), pattern(3_000, 2)];
    const whole = concat(first, second);
    assert.deepEqual(filled(first, second).borrow(6_000), { bytes: whole, owned: true });
    const scratch = new Uint8Array(10_000);
    const { bytes, owned } = filled(first, second).borrow(6_000, scratch);
    assert.equal(bytes.buffer, scratch.buffer);
    assert.deepEqual([bytes, owned], [whole, false]);
  });

  test("starts a new block once the old one is spent", () => {
    const buffer = filled(hex("01"), hex("02"));
    buffer.skip(1);
    const view = buffer.take(1);
    buffer.push(hex("03"));
    buffer.push(hex("04"));
    assert.equal(toHex(buffer.take(2)), "03 04");
    assert.equal(toHex(view), "02");
  });
});

describe("a chunk that a ReceiveBuffer is done with", () => {
  const large = 20_000;
  const given = lengthOnceGiven(large);

  test("is given back with the call after the one that took its last byte", () => {
    const chunk = pattern(large);
    const buffer = filled(chunk, pattern(large, 1));
    buffer.skip(large - 1);
    buffer.peekUint32();
    assert.equal(buffer.firstChunk.length, 1);
    buffer.skip(1);
    assert.equal(chunk.length, large, "the last bytes may still be lent");
    buffer.skip(1);
    assert.equal(chunk.length, given);
  });

  test("stays as it is while what was lent last may lie in it", () => {
    const chunk = pattern(large);
    const buffer = filled(chunk);
    buffer.skip(100);
    const { bytes } = buffer.borrow(large - 100);
    buffer.push(pattern(large, 1));
    buffer.peekUint32();
    assert.equal(bytes.buffer, chunk.buffer);
    assert.deepEqual(bytes, pattern(large).subarray(100));
    buffer.borrow(1);
    assert.equal(chunk.length, given);
  });

  test("is given back if what was used of it was copied", () => {
    const chunks = [1, 2, 3].map((seed) => pattern(large, seed));
    const buffer = filled(...chunks);
    buffer.skip(1);
    const taken = buffer.take(3 * large - 2);
    buffer.skip(0);
    assert.deepEqual(
      chunks.map(({ length }) => length),
      [given, given, large],
    );
    const all = concat(...[1, 2, 3].map((seed) => pattern(large, seed)));
    assert.deepEqual(taken, all.subarray(1, -1));
  });

  test("is left alone if it is a part of other memory", () => {
    const around = pattern(large);
    for (const chunk of [around.subarray(1), around.subarray(0, -1)]) {
      const buffer = filled(chunk);
      buffer.skip(chunk.length);
      buffer.skip(0);
    }
    assert.deepEqual(around, pattern(large));
  });

  test("is given back if it is a block of small ones that is full", () => {
    const buffer = filled(hex("01"), ...Array.from({ length: 16 }, (_, seed) => pattern(1_024, seed)));
    buffer.skip(1);
    const block = buffer.firstChunk.buffer;
    assert.equal(block.byteLength, 16_384);
    buffer.skip(16_384);
    buffer.push(hex("02"));
    buffer.push(hex("03"));
    assert.equal(toHex(buffer.take(2)), "02 03");
    assert.equal(block.byteLength, lengthOnceGiven(16_384));
  });

  test("is left to the garbage collector if the buffer was cleared, as what was lent may be in use", () => {
    const [lent, next] = [pattern(large, 1), pattern(large, 2)];
    const buffer = filled(lent);
    const { bytes } = buffer.borrow(large);
    buffer.clear();
    buffer.push(next);
    buffer.skip(large);
    buffer.skip(0);
    assert.deepEqual(bytes, pattern(large, 1));
    assert.deepEqual([lent.length, next.length], [large, given]);
  });
});

const scratch = new Uint8Array(1_000_000);

type Step =
  | { readonly kind: "push"; readonly size: number; readonly seed: number }
  | { readonly kind: "take" | "borrow" | "skip"; readonly part: number }
  | { readonly kind: "peek" | "clear" };

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(8) },
  { weight: 2, arbitrary: fc.nat(3_000) },
  { weight: 2, arbitrary: fc.constantFrom(2_047, 2_048, 16_383, 16_384, 16_385, 40_000) },
);
const part = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("push" as const), size, seed: fc.nat(255) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("take" as const, "borrow" as const, "skip" as const),
      part,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("peek" as const, "peek" as const, "clear" as const) }),
  },
);

/** A chunk that is large enough to be given back, and where it lies in all that was pushed. */
interface Large {
  readonly chunk: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The buffer beside a plain array of the same bytes, what it gave away, what it lent last, and what is left of large chunks. */
class Model {
  readonly #buffer = new ReceiveBuffer();
  readonly #given: { readonly bytes: Uint8Array; readonly expected: Uint8Array }[] = [];
  #lent: { readonly bytes: Uint8Array; readonly expected: Uint8Array } | undefined;
  #bytes = hex("");
  /** How many bytes were taken, and how many had been before the last call that took any. */
  #taken = 0;
  #takenBefore = 0;
  #large: Large[] = [];

  do(step: Step): void {
    switch (step.kind) {
      case "push": {
        const chunk = pattern(step.size, step.seed);
        const start = this.#taken + this.#bytes.length;
        this.#bytes = concat(this.#bytes, chunk);
        if (chunk.length >= 16_384) this.#large.push({ chunk, start, end: start + chunk.length });
        this.#buffer.push(chunk);
        break;
      }
      case "borrow": {
        const start = this.#taken;
        const expected = this.#drop(step.part);
        const { bytes, owned } = this.#buffer.borrow(expected.length, scratch);
        this.#lent = { bytes, expected };
        assert.equal(owned, false);
        const inOne = this.#large.some((large) => large.start <= start && start + bytes.length <= large.end);
        if (!inOne && expected.length > 16_384) assert.equal(bytes.buffer, scratch.buffer);
        break;
      }
      case "take": {
        const expected = this.#drop(step.part);
        this.#given.push({ bytes: this.#buffer.take(expected.length), expected });
        break;
      }
      case "skip":
        this.#buffer.skip(this.#drop(step.part).length);
        break;
      case "peek":
        if (this.#bytes.length >= 4) {
          assert.equal(
            this.#buffer.peekUint32(),
            new DataView(this.#bytes.buffer).getUint32(this.#bytes.byteOffset),
          );
        }
        break;
      case "clear":
        this.#buffer.clear();
        this.#large = this.#large.filter(({ end }) => end <= this.#takenBefore);
        this.#taken += this.#bytes.length;
        this.#takenBefore = this.#taken;
        this.#bytes = hex("");
    }
    if (this.#lent !== undefined) assert.deepEqual(this.#lent.bytes, this.#lent.expected);
    for (const { chunk, start, end } of this.#large) {
      assert.equal(chunk.length, end <= this.#takenBefore ? lengthOnceGiven(end - start) : end - start);
    }
    assert.equal(this.#buffer.length, this.#bytes.length);
  }

  check(): void {
    assert.deepEqual(this.#buffer.take(this.#bytes.length), this.#bytes);
    for (const { bytes, expected } of this.#given) assert.deepEqual(bytes, expected);
  }

  #drop(part: number): Uint8Array {
    const count = Math.round(part * this.#bytes.length);
    const dropped = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.slice(count);
    this.#takenBefore = this.#taken;
    this.#taken += count;
    this.#lent = undefined;
    return dropped;
  }
}

test("whatever is done to a ReceiveBuffer, it holds what a plain array would, what it gave and lends stays as it was, and large chunks are given back", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const step of steps) model.do(step);
      model.check();
    }),
    { numRuns: 300 },
  );
});
