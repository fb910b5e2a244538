import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "#dist/protocol/utf8.js";
import { hex } from "../support/bytes.ts";
import { texts } from "../support/vectors.ts";

describe("UTF-8 in the language alone", () => {
  for (const { name, bytes, codePoints, valid } of texts) {
    const text = String.fromCodePoint(...codePoints);
    test(`is read: ${name}`, () => assert.deepEqual(decodeUtf8(hex(bytes)), { text, valid }));
    if (valid) test(`is written: ${name}`, () => assert.deepEqual(encodeUtf8(text), hex(bytes)));
  }

  test("is read as the platform's decoder does, whatever the bytes", () => {
    const platform = new TextDecoder("utf-8", { ignoreBOM: true });
    // Those at the edges of what there is, more often than others.
    const edges = [
      0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5,
    ];
    const byte = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (given) => {
        const bytes = Uint8Array.from(given);
        assert.equal(decodeUtf8(bytes).text, platform.decode(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  test("is written as the platform's encoder does, half surrogate pairs included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 0, max: 0xffff }), (text, unit) => {
        const given = text + String.fromCharCode(unit) + text;
        assert.deepEqual(encodeUtf8(given), new TextEncoder().encode(given));
      }),
    );
  });

  test("is cut between two characters", () => {
    assert.deepEqual(encodeUtf8("a€😀", 3), hex("61"));
    assert.deepEqual(encodeUtf8("a€😀", 4), hex("61e282ac"));
    assert.deepEqual(encodeUtf8("a€😀", 7), hex("61e282ac"));
    assert.deepEqual(encodeUtf8("a€😀", 8), hex("61e282acf09f9880"));
  });
});
