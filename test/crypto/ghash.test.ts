import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Ghash, maxInputBlocks } from "#dist/crypto/ghash.js";
import { concat, hex, pattern, toHex } from "../support/bytes.ts";

function digest(key: Uint8Array, input: Uint8Array, reserved = input.length / 16): string {
  const ghash = new Ghash(key);
  ghash.reserve(reserved);
  return digestBy(ghash, input);
}

function digestBy(ghash: Ghash, input: Uint8Array): string {
  const result = new Int32Array(4);
  ghash.input.set(input);
  ghash.digest(input.length / 16, result);
  return bytesOf(result);
}

function bytesOf(result: Int32Array): string {
  return toHex(new Uint8Array(result.buffer)).replaceAll(" ", "");
}

/** GHASH as SP 800-38D writes it down, on big integers whose highest bit is the field's first. */
function slowDigest(key: Uint8Array, input: Uint8Array): string {
  const number = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes).replaceAll(" ", "")}`);
  const reduction = 0xe1n << 120n;
  let hash = 0n;
  for (let at = 0; at < input.length; at += 16) {
    const factor = hash ^ number(input.subarray(at, at + 16));
    let product = 0n;
    let shifted = number(key);
    for (let bit = 127n; bit >= 0n; bit--) {
      if ((factor >> bit) & 1n) product ^= shifted;
      shifted = shifted & 1n ? (shifted >> 1n) ^ reduction : shifted >> 1n;
    }
    hash = product;
  }
  return hash.toString(16).padStart(32, "0");
}

const block = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("Ghash", () => {
  test("is as its module's text says", async () => {
    const { translate } = await import(new URL("../../../scripts/wasm.js", import.meta.url).href);
    const module = new URL("../../../src/crypto/ghash-module.ts", import.meta.url);
    assert.equal(readFileSync(module, "utf8"), await translate());
  });

  // The intermediate values of the test cases 2 and 3 that come with the definition of GCM.
  test("gives the published value for one block and the lengths", () => {
    const input = hex("0388dace60b6a392f328c2b971b2fe78 00000000000000000000000000000080");
    assert.equal(digest(hex("66e94bd4ef8a2c3b884cfa59ca342b2e"), input), "f38cbb1ad69223dcc3457ae5b6b0f885");
  });

  test("gives the published value for four blocks and the lengths", () => {
    const input = hex(
      `42831ec2217774244b7221b784d0d49c e3aa212f2c02a4e035c17e2329aca12e
       21d514b25466931c7d8f6a5aac84aa05 1ba30b396a0aac973d58e091473f5985
       00000000000000000000000000000200`,
    );
    assert.equal(digest(hex("b83b533708bf535d0aa6e52980d53b78"), input), "7f1b32b81b820d02614f8895ac1d4eac");
  });

  test("agrees with the definition, whatever the key and the blocks", () => {
    fc.assert(
      fc.property(block, fc.array(block, { minLength: 1, maxLength: 18 }), (key, blocks) => {
        const input = Uint8Array.from(blocks.flatMap((each) => [...each]));
        assert.equal(digest(key, input), slowDigest(key, input));
      }),
    );
  });

  test("takes inputs shorter than it has reserved for, and can reserve more later", () => {
    const key = hex("66e94bd4ef8a2c3b884cfa59ca342b2e");
    const long = Uint8Array.from({ length: 160 }, (_, index) => index * 7);
    const ghash = new Ghash(key);
    for (const blocks of [1, 3, 2, 10]) {
      ghash.reserve(blocks);
      for (let count = 1; count <= blocks; count++) {
        const input = long.subarray(0, count * 16);
        assert.equal(digestBy(ghash, input), slowDigest(key, input), `${count} of ${blocks}`);
      }
    }
  });

  test("is zero of nothing", () => {
    assert.equal(digest(hex("66e94bd4ef8a2c3b884cfa59ca342b2e"), hex(""), 1), "0".repeat(32));
  });

  test("agrees with the definition if zeros follow", () => {
    const key = hex("66e94bd4ef8a2c3b884cfa59ca342b2e");
    const input = pattern(48);
    const ghash = new Ghash(key);
    ghash.reserve(5);
    const result = new Int32Array(4);
    ghash.input.set(input);
    ghash.digest(3, result, 2);
    assert.equal(bytesOf(result), slowDigest(key, concat(input, new Uint8Array(32))));
  });

  test("keeps a hundred keys apart that take turns", () => {
    const keys = Array.from({ length: 100 }, (_, index) => pattern(16, index));
    const hashes = keys.map((key) => new Ghash(key));
    for (let round = 1; round <= 3; round++) {
      const input = pattern(16 * round * 5, round);
      for (const [index, ghash] of hashes.entries()) {
        ghash.reserve(round * 5);
        assert.equal(digestBy(ghash, input), slowDigest(keys[index] as Uint8Array, input));
      }
    }
  });

  test("takes the longest input there is", () => {
    const key = pattern(16);
    const input = pattern(maxInputBlocks * 16);
    assert.equal(digest(key, input), slowDigest(key, input));
  });
});

describe("the memory of the module", () => {
  /** The key multiplied with itself: what the tables of the powers have in them as it is. */
  function power(key: Uint8Array, exponent: number): Uint8Array {
    let result = key;
    for (let factor = 1; factor < exponent; factor++) result = hex(slowDigest(key, result));
    return result;
  }

  const has = ({ input }: Ghash, bytes: Uint8Array) => Buffer.from(input.buffer).includes(Buffer.from(bytes));

  test("has nothing of a key once that is wiped, nor of what was hashed, and the others stay as they are", () => {
    const other = new Ghash(pattern(16, 1));
    other.reserve(2);
    const before = digestBy(other, pattern(32));
    const key = pattern(16, 2);
    const powers = [key, power(key, 5), power(key, 40)] as const;
    const ghash = new Ghash(key);
    ghash.reserve(5);
    digestBy(ghash, pattern(80));
    // It grows, and is moved in again at another place.
    ghash.reserve(40);
    digestBy(ghash, pattern(640));
    assert.ok(powers.every((bytes) => has(ghash, bytes)));
    ghash.wipe();
    assert.ok(powers.every((bytes) => !has(ghash, bytes)));
    assert.ok(ghash.input.every((byte) => byte === 0));
    assert.ok(has(other, pattern(16, 1)));
    assert.equal(digestBy(other, pattern(32)), before);
    other.wipe();
  });

  test("has nothing of a key whose place others have, however much less those need", () => {
    const key = pattern(16, 3);
    const highest = power(key, 70);
    const large = new Ghash(key);
    large.reserve(70);
    digestBy(large, pattern(16));
    assert.ok(has(large, highest));
    const many = Array.from({ length: 32 }, (_, index) => new Ghash(pattern(16, 100 + index)));
    for (const ghash of many) {
      ghash.reserve(1);
      digestBy(ghash, pattern(16));
    }
    assert.ok(!has(large, highest) && !has(large, key));
    for (const ghash of [large, ...many]) ghash.wipe();
  });
});
