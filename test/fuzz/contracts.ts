import assert from "node:assert/strict";
import fc from "fast-check";
import { cbor } from "sealpipe/cbor";
import { type JsonSchema, json } from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import { decodeData, encodeData, maxDepth } from "#dist/contract/codec.js";
import { parseDescription } from "#dist/contract/description.js";
import { misfits } from "#dist/contract/schema-changes.js";
import { receivedIssues, validate } from "#dist/contract/validation.js";
import { type Target, target } from "./target.ts";

const codecs = [json, msgpack, cbor];

/** Bytes, and what each codec makes of values, with some of the bytes changed. */
const data = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(
      fc.jsonValue(),
      fc.constantFrom(...codecs),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([value, codec, changes]) => {
      const encoded = Buffer.from(codec.encode(value));
      for (const [place, byte] of changes) encoded[place % encoded.length] = byte;
      return encoded;
    }),
  fc
    .constantFrom('{"__proto__":1}', '[{"\\u005f_proto__":{}}]', "[".repeat(300) + "]".repeat(300))
    .map(Buffer.from),
);

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function hasProto(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProto);
}

/** A JSON Schema, or what only looks like one. */
const { schema: schemas } = fc.letrec<{ schema: unknown }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.boolean(),
    fc.constantFrom({ $ref: "#" }, { $ref: "#/$defs/a" }, { $ref: 5 }),
    fc.record(
      {
        type: fc.oneof(
          fc.constantFrom("string", "number", "integer", "object", "array", "null", "nonsense", 5),
          fc.array(fc.constantFrom("string", "number", "object", null), { maxLength: 3 }),
        ),
        enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 3 }),
        const: fc.jsonValue({ maxDepth: 1 }),
        minimum: fc.integer(),
        maxLength: fc.oneof(fc.nat(), fc.constant("5")),
        pattern: fc.constantFrom("a", "b"),
        required: fc.array(fc.constantFrom("a", "b", "__proto__"), { maxLength: 3 }),
        properties: fc.dictionary(fc.constantFrom("a", "b", "toString"), tie("schema"), { maxKeys: 2 }),
        additionalProperties: tie("schema"),
        items: tie("schema"),
        prefixItems: fc.array(tie("schema"), { maxLength: 2 }),
        anyOf: fc.array(tie("schema"), { maxLength: 3 }),
        allOf: fc.array(tie("schema"), { maxLength: 2 }),
        $defs: fc.dictionary(fc.constantFrom("a", "b"), tie("schema"), { maxKeys: 2 }),
      },
      { requiredKeys: [] },
    ),
    fc.jsonValue({ maxDepth: 2 }),
  ),
}));

export const contractTargets: readonly Target[] = [
  target(
    "contract: whatever bytes arrive, a codec gives a value without __proto__ and not too deep, or throws",
    200,
    fc.tuple(fc.constantFrom(...codecs), data),
    ([codec, bytes]) => {
      let value: unknown;
      try {
        value = decodeData(codec, bytes);
      } catch (error) {
        assert.ok(error instanceof Error);
        return;
      }
      assert.ok(depthOf(value) <= maxDepth);
      assert.ok(!hasProto(value));
    },
  ),
  target(
    "contract: each codec gives back what was encoded",
    200,
    fc.tuple(fc.constantFrom(...codecs), fc.jsonValue({ stringUnit: "grapheme" })),
    ([codec, given]) => {
      // Neither has a zero below zero.
      const value: unknown = JSON.parse(JSON.stringify(given));
      if (hasProto(value)) return;
      assert.deepEqual(decodeData(codec, Buffer.from(encodeData(codec, value))), value);
    },
  ),
  target(
    "contract: JSON Schemas are compared whatever they are, and each fits itself",
    200,
    fc.tuple(schemas, schemas),
    ([sent, taken]) => {
      assert.deepEqual(misfits(sent as JsonSchema, sent as JsonSchema), []);
      for (const reason of misfits(sent as JsonSchema, taken as JsonSchema))
        assert.equal(typeof reason, "string");
    },
  ),
  target(
    "contract: descriptions and issues from a peer are what they should be, or refused",
    200,
    fc.oneof(
      fc.jsonValue(),
      fc.record({
        sealpipe: fc.constant("contract/1"),
        name: fc.string(),
        version: fc.string(),
        codec: fc.string(),
        members: fc.dictionary(
          fc.string(),
          fc.oneof(fc.jsonValue(), fc.record({ kind: fc.string(), number: fc.nat() })),
        ),
      }),
    ),
    (value) => {
      for (const { message, path } of receivedIssues(value)) {
        assert.equal(typeof message, "string");
        assert.ok(path.every((key) => typeof key === "string" || typeof key === "number"));
      }
      try {
        assert.equal(parseDescription(value), value);
      } catch (error) {
        assert.ok(error instanceof TypeError);
      }
    },
  ),
  target(
    "contract: whatever a schema gives, data fit or do not, with issues of a bounded size",
    200,
    fc.anything({ withNullPrototype: true }),
    (result) => {
      const schema = {
        "~standard": { version: 1 as const, vendor: "fuzz", validate: () => result as never },
      };
      const validation = validate(schema, 1);
      if (validation instanceof Promise || validation.fits) return;
      assert.ok(JSON.stringify(validation.issues).length < 500_000);
    },
  ),
];
