import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { type BatchAead, maxBatchedBytes } from "#dist/protocol/crypto-provider.js";
import { createBatch } from "../support/batches.ts";
import { concat, flipBit, pattern } from "../support/bytes.ts";
import { type Target, target } from "./target.ts";

const most = 40;

/** What OpenSSL makes of it. */
function sealed(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, header: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(header);
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** A batch and what it has prepared, as one connection's direction has it. */
class Direction {
  readonly #key: Uint8Array;
  readonly #carried: boolean;
  readonly #batch: BatchAead;
  #nonces: Uint8Array[] = [];
  #maxBytes = 0;
  #number = 0;

  constructor(key: Uint8Array, nonces: "carried" | "known") {
    this.#key = key;
    this.#carried = nonces === "carried";
    this.#batch = createBatch(key, nonces);
  }

  prepare(count: number, maxBytes: number, seed: number): void {
    this.#nonces = Array.from({ length: count }, (_, index) => pattern(12, seed * most + index));
    this.#maxBytes = maxBytes;
    this.#number = seed;
    this.#batch.prepare(concat(...this.#nonces), maxBytes, this.#carried ? undefined : seed);
  }

  drop(): void {
    this.#nonces = [];
    this.#batch.drop();
  }

  wipe(): void {
    this.#batch.wipe();
  }

  /** Seals or opens a message, or opens one with a bit of it changed. */
  use(use: "seal" | "open" | "changed", bytes: number, [seed, headerBytes]: readonly [number, number]): void {
    assert.equal(this.#batch.prepared, this.#nonces.length);
    const nonce = this.#nonces.shift();
    if (nonce === undefined) return;
    const plaintext = pattern(Math.min(bytes, this.#maxBytes), seed);
    const header = pattern(headerBytes, seed + 1);
    const carried = this.#carried ? nonce : new Uint8Array(0);
    const expected = concat(carried, sealed(this.#key, nonce, plaintext, header));
    const number = this.#carried ? undefined : this.#number++;
    if (use === "seal") {
      const made = concat(header, new Uint8Array(expected.length));
      const cut = seed % (plaintext.length + 1);
      this.#batch.sealNext([plaintext.subarray(0, cut), plaintext.subarray(cut)], made, headerBytes, number);
      assert.deepEqual(made, concat(header, expected));
      return;
    }
    const given = use === "open" ? expected : flipBit(expected, (seed * 7_919) % (expected.length * 8));
    const opened = this.#batch.openNext(given, header, number);
    assert.deepEqual(opened, use === "open" ? plaintext : undefined);
  }
}

const sizes = fc.oneof(
  fc.nat(40),
  fc.nat(maxBatchedBytes),
  fc.constantFrom(0, 15, 16, 17, 1_151, maxBatchedBytes),
);
const call = fc.record({
  on: fc.nat(most),
  what: fc.constantFrom("seal", "seal", "open", "open", "changed", "prepare", "drop", "anew"),
  bytes: sizes,
  header: fc.constantFrom(0, 4, 4, 4, 1, 15, 16),
  seed: fc.nat(1_000),
});

/** More directions than have a place in the module's memory at a time. */
const against = target(
  "batches: of any number of keys, in any order, they seal and open what OpenSSL does, and nothing that was changed",
  60,
  fc.record({ directions: fc.constantFrom(1, 2, most), calls: fc.array(call, { maxLength: 120 }) }),
  ({ directions, calls }) => {
    const make = (seed: number) =>
      new Direction(pattern(32, seed), (["carried", "known"] as const)[seed % 2] as "carried" | "known");
    const all = Array.from({ length: directions }, (_, index) => make(index));
    for (const [index, direction] of all.entries()) direction.prepare(1 + (index % 8), 1 + index * 9, index);
    for (const { on, what, bytes, header, seed } of calls) {
      const index = on % directions;
      const direction = all[index] as Direction;
      if (what === "prepare") direction.prepare(1 + (seed % 20), bytes, seed);
      else if (what === "drop") direction.drop();
      else if (what === "anew") {
        direction.wipe();
        all[index] = make(seed);
      } else direction.use(what, bytes, [seed, header]);
    }
    for (const direction of all) direction.wipe();
  },
);

export const batchTargets: readonly Target[] = [against];
