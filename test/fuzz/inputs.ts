import fc from "fast-check";
import { concat, flipBit, hex, uint32 } from "../support/bytes.ts";
import { type Cutting, cutInto } from "../support/cutting.ts";
import { clientPublicKey, frame, serverPublicKey, wireFor } from "../support/hand-made-peer.ts";

// What the targets' inputs are made of.

/** Sizes of chunks, over and over: mostly small, so that a cut is in every place sooner or later. */
export const cuttings: fc.Arbitrary<Cutting> = fc
  .oneof(
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
    fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 4 }),
  )
  .map(cutInto);

/** The same for what may be long: in that, the chunks are larger by as much. */
export const scaledCuttings: fc.Arbitrary<Cutting> = fc
  .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
  .map((sizes) => (bytes) => {
    const scale = 1 + Math.floor(bytes.length / 2_000);
    return cutInto(sizes.map((size) => size * scale))(bytes);
  });

export const messageType = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }));

export const dataBytes = fc.oneof(
  { weight: 20, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.nat(3_000) },
  { weight: 1, arbitrary: fc.constantFrom(32_727, 32_759, 32_760, 32_761, 40_000) },
);

/** Nonsense, and pieces of sense in the wrong place. */
export const piece = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  { weight: 1, arbitrary: fc.nat(600).map(uint32) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 4, maxLength: 60 }).map((payload) => frame(payload)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      hex("00"),
      hex("02 00"),
      hex("02 01"),
      clientPublicKey,
      serverPublicKey,
      wireFor(true).message(5, hex("01")),
      wireFor(false).message(5, hex("01")),
      wireFor(true).maximumSize(10),
      wireFor(false).maximumSize(10),
    ),
  },
);

/** One thing that happens to bytes on their way. The numbers are taken modulo what there is. */
export interface Damage {
  readonly kind: "flip" | "cut-off" | "insert" | "repeat" | "drop" | "move" | "length";
  readonly at: number;
  readonly bytes: Uint8Array;
}

export const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom<Damage["kind"]>("flip", "cut-off", "insert", "repeat", "drop", "move", "length"),
  at: fc.nat(),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
});

export function damaged(whole: Uint8Array, list: readonly Damage[]): Uint8Array {
  return list.reduce(damageOnce, whole);
}

function damageOnce(whole: Uint8Array, { kind, at, bytes }: Damage): Uint8Array {
  if (whole.length === 0) return kind === "insert" ? bytes : whole;
  const place = at % whole.length;
  const before = whole.subarray(0, place);
  const from = whole.subarray(place);
  // As long as what would be inserted, and now and then far longer.
  const span = bytes.length > 14 ? bytes.length * 13 : bytes.length;
  switch (kind) {
    case "flip":
      return flipBit(whole, at % (whole.length * 8));
    case "cut-off":
      return before;
    case "insert":
      return concat(before, bytes, from);
    case "repeat":
      return concat(before, from.subarray(0, span), from);
    case "drop":
      return concat(before, from.subarray(span));
    case "move":
      return concat(from.subarray(0, span), before, from.subarray(span));
    case "length":
      return concat(before, lengths[at % lengths.length] as Uint8Array, from.subarray(4));
  }
}

const lengths = [0, 3, 4, 31, 32, 33, 256, 257, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff].map(uint32);
