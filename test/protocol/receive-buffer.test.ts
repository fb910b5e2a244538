import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, pattern, toHex } from "../support/bytes.ts";
import { byteAtATime } from "../support/cutting.ts";

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

  test("hands out what lies within one chunk as a view of it", () => {
    const chunk = hex("01 02 03 04");
    const buffer = filled(chunk);
    buffer.skip(1);
    const view = buffer.take(2);
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

  test("says so where it is asked for more than it has", () => {
    assert.throws(() => filled(hex("01 02 03")).peekUint32(), RangeError);
    assert.throws(() => filled(hex("01 02 03")).take(4), RangeError);
    assert.throws(() => filled().take(1), RangeError);
  });

  test("keeps bytes that arrive one at a time together, not each as an object of its own", () => {
    const bytes = pattern(20_000);
    const buffer = filled(...byteAtATime(bytes));
    // The first chunk stands alone, the block behind it is full.
    buffer.skip(1);
    const first = buffer.take(10);
    const rest = buffer.take(16_374);
    assert.deepEqual(concat(first, rest), bytes.subarray(1, 16_385));
    assert.equal(first.buffer.byteLength, 16_384);
    assert.equal(rest.buffer, first.buffer, "views of one block");
    assert.deepEqual(buffer.take(3_615), bytes.subarray(16_385));
  });

  test("keeps a large chunk as it came, and what follows it in a block of its own", () => {
    const large = pattern(2_048, 3);
    const buffer = filled(hex("01"), hex("02"), large, hex("03"));
    buffer.skip(2);
    assert.equal(buffer.take(2_048).buffer, large.buffer);
    assert.equal(toHex(buffer.take(1)), "03");
  });

  test("copies a chunk just too small to stand alone", () => {
    const small = pattern(2_047, 3);
    const buffer = filled(hex("01"), small);
    buffer.skip(1);
    const copy = buffer.take(2_047);
    assert.deepEqual(copy, small);
    assert.notEqual(copy.buffer, small.buffer);
  });

  test("fills a block to its last byte", () => {
    const sizes = [2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 384];
    const chunks = sizes.map((size, index) => pattern(size, index));
    const buffer = filled(hex("01"), ...chunks);
    buffer.skip(1);
    const block = buffer.take(16_000).buffer;
    assert.equal(buffer.take(384).buffer, block);
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

type Step =
  | { readonly kind: "push"; readonly size: number; readonly seed: number }
  | { readonly kind: "take" | "skip"; readonly part: number }
  | { readonly kind: "peek" | "clear" };

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(8) },
  { weight: 2, arbitrary: fc.nat(3_000) },
  { weight: 1, arbitrary: fc.constantFrom(2_047, 2_048, 16_383, 16_384, 16_385) },
);
const part = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("push" as const), size, seed: fc.nat(255) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("take" as const, "skip" as const), part }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("peek" as const, "peek" as const, "clear" as const) }),
  },
);

/** The buffer beside a plain array of the same bytes, and the views that were handed out. */
class Model {
  readonly #buffer = new ReceiveBuffer();
  readonly #views: { readonly view: Uint8Array; readonly expected: Uint8Array }[] = [];
  #bytes = hex("");

  do(step: Step): void {
    switch (step.kind) {
      case "push": {
        const chunk = pattern(step.size, step.seed);
        this.#buffer.push(chunk);
        this.#bytes = concat(this.#bytes, chunk);
        break;
      }
      case "take": {
        const expected = this.#drop(step.part);
        const view = this.#buffer.take(expected.length);
        this.#views.push({ view, expected });
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
        this.#bytes = hex("");
    }
    assert.equal(this.#buffer.length, this.#bytes.length);
  }

  check(): void {
    assert.deepEqual(this.#buffer.take(this.#bytes.length), this.#bytes);
    for (const { view, expected } of this.#views) assert.deepEqual(view, expected);
  }

  #drop(part: number): Uint8Array {
    const count = Math.round(part * this.#bytes.length);
    const dropped = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.slice(count);
    return dropped;
  }
}

test("whatever is done to a ReceiveBuffer, it holds what a plain array would, and its views stay as they were", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model();
      for (const step of steps) model.do(step);
      model.check();
    }),
    { numRuns: 300 },
  );
});
