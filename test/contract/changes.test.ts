import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { toJsonSchema, toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import {
  bytes,
  type Contract,
  checkContract,
  contract,
  event,
  exportContract,
  method,
  type Schema,
} from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import * as v from "valibot";
import { z } from "zod";

const object = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };

describe("a contract as JSON", () => {
  test("has of each member its kind, its number and the JSON Schemas of what goes over the wire", () => {
    const files = contract(
      "files",
      {
        open: method(1, {
          input: z.object({ path: z.string() }),
          output: z.string().transform((text) => text.length),
          errors: { NOT_FOUND: z.object({ path: z.string() }), BUSY: null },
        }),
        hash: method(2, { input: bytes, output: bytes }),
        told: event(3, type({ path: "string" })),
        asked: event(4, z.string().optional(), { direction: "both" }),
        date: method(5, { output: z.date() }),
      },
      { version: "1.0", codec: msgpack },
    );
    const binary = { contentMediaType: "application/octet-stream" };
    assert.deepEqual(exportContract(files), {
      sealpipe: "contract/1",
      name: "files",
      version: "1.0",
      codec: "msgpack",
      members: {
        open: {
          kind: "method",
          number: 1,
          input: object,
          output: { type: "string" },
          errors: { NOT_FOUND: object, BUSY: null },
        },
        hash: { kind: "method", number: 2, input: binary, output: binary },
        told: { kind: "event", number: 3, data: object, direction: "to-caller" },
        asked: { kind: "event", number: 4, data: { type: "string" }, direction: "both", optional: ["data"] },
        date: { kind: "method", number: 5, output: true },
      },
    });
  });

  test("has valibot's schemas too, by its own converter, for one or for all", () => {
    const schema = v.object({ path: v.string() });
    const inputOf = (given: Contract) => (exportContract(given).members["open"] as { input?: unknown }).input;
    assert.equal(inputOf(contract("a", { open: method(1, { input: schema }) })), true);
    assert.deepEqual(
      inputOf(contract("a", { open: method(1, { input: toStandardJsonSchema(schema) }) })),
      object,
    );
    const jsonSchema = (given: Schema) =>
      toJsonSchema(given as never, { typeMode: "input" }) as object as never;
    assert.deepEqual(inputOf(contract("a", { open: method(1, { input: schema }) }, { jsonSchema })), object);
  });

  test("is what the schema in the spec describes", () => {
    const meta = JSON.parse(
      readFileSync(new URL("../../../spec/contract.schema.json", import.meta.url), "utf8"),
    );
    const spec = readFileSync(new URL("../../../spec/contracts.md", import.meta.url), "utf8");
    const [, example = ""] = spec.match(/```json\n([\s\S]*?)```/) ?? [];
    assert.deepEqual(checkContract(JSON.parse(example), JSON.parse(example)), []);
    assert.deepEqual(Object.keys(JSON.parse(example)), meta.required);
    const described = exportContract(contract("files", { open: method(1), told: event(2) }));
    assert.deepEqual(Object.keys(described), meta.required);
  });
});

const base = {
  open: method(1, {
    input: z.object({ path: z.string(), mode: z.enum(["r", "w"]).optional() }),
    output: z.object({ text: z.string() }),
    errors: { NOT_FOUND: z.object({ path: z.string() }) },
  }),
  told: event(2, z.number()),
  asked: event(3, z.number(), { direction: "from-caller" }),
};
const before = contract("files", base);

/** What each change comes to: whom it breaks, and its words. */
const changes: [string, Contract, [string | undefined, string, string[]][]][] = [
  ["nothing", contract("files", { ...base }), []],
  ["the version", contract("files", base, { version: "2" }), [[undefined, 'its version "" is now "2"', []]]],
  [
    "the name",
    contract("file", base),
    [[undefined, 'its name "files" is now "file"', ["older-callers", "newer-callers"]]],
  ],
  [
    "the codec",
    contract("files", base, { codec: msgpack }),
    [[undefined, 'its codec "json" is now "msgpack"', ["older-callers", "newer-callers"]]],
  ],
  ["a member that is new", contract("files", { ...base, more: method(9) }), [["more", "is new", []]]],
  [
    "a member that is gone",
    contract("files", { open: base.open, told: base.told }),
    [["asked", "is gone", ["older-callers"]]],
  ],
  [
    "a member with another name",
    contract("files", {
      open: base.open,
      told: base.told,
      wanted: event(3, z.number(), { direction: "from-caller" }),
    }),
    [
      ["asked", "is gone", ["older-callers"]],
      ["wanted", 'is new, with the number that "asked" had', ["older-callers", "newer-callers"]],
    ],
  ],
  [
    "a number",
    contract("files", { ...base, told: event(4, z.number()) }),
    [["told", "its numbers are 2 and 4", ["older-callers", "newer-callers"]]],
  ],
  [
    "a property of an input that may be missing",
    contract("files", {
      ...base,
      open: method(1, {
        input: z.object({
          path: z.string(),
          mode: z.enum(["r", "w"]).optional(),
          lines: z.number().optional(),
        }),
        output: z.object({ text: z.string() }),
        errors: { NOT_FOUND: z.object({ path: z.string() }) },
      }),
    }),
    [["open", "is described otherwise", []]],
  ],
  [
    "a property of an input that may not be missing",
    contract("files", {
      ...base,
      open: method(1, {
        input: z.object({ path: z.string(), mode: z.enum(["r", "w"]) }),
        output: z.object({ text: z.string() }),
        errors: { NOT_FOUND: z.object({ path: z.string() }) },
      }),
    }),
    [["open", "input: mode may be missing", ["older-callers"]]],
  ],
  [
    "a value more that an input may be, and an output",
    contract("files", {
      ...base,
      open: method(1, {
        input: z.object({ path: z.string(), mode: z.enum(["r", "w", "x"]).optional() }),
        output: z.object({ text: z.string().nullable() }),
        errors: { NOT_FOUND: z.object({ path: z.string().nullable() }) },
      }),
    }),
    [
      ["open", "output: text may be null", ["older-callers"]],
      ["open", "the data of NOT_FOUND: path may be null", ["older-callers"]],
      ["open", 'input: mode may be "x"', ["newer-callers"]],
    ],
  ],
  [
    "data of events",
    contract("files", {
      ...base,
      told: event(2, z.int()),
      asked: event(3, z.int(), { direction: "from-caller" }),
    }),
    [
      ["told", "data: it may be a number", ["newer-callers"]],
      ["asked", "data: it may be a number", ["older-callers"]],
    ],
  ],
  [
    "an event that goes both ways now",
    contract("files", { ...base, told: event(2, z.number(), { direction: "both" }) }),
    [["told", 'the implementer does not know it as "from-caller"', ["newer-callers"]]],
  ],
  [
    "an event that goes by a subject now",
    contract("files", { ...base, told: event(2, z.number(), { fanOut: true }) }),
    [
      [
        "told",
        "the implementer's is fanOut and the caller's is not, which over NATS hears none",
        ["older-callers"],
      ],
    ],
  ],
  [
    "an event that is kept now",
    contract("files", { ...base, told: event(2, z.number(), { durable: true }) }),
    [
      [
        "told",
        "the implementer's is durable and the caller's is not, which over NATS hears none",
        ["older-callers"],
      ],
    ],
  ],
  [
    "an input where there was none",
    contract("files", { ...base, told: event(2) }),
    [["told", "data: it may be missing", ["older-callers"]]],
  ],
];

describe("the check of a contract against an older one tells of", () => {
  for (const [what, after, expected] of changes) {
    test(what, () => {
      const found = checkContract(before, after).map(({ member, what, breaks }) => [
        member,
        what,
        [...breaks],
      ]);
      assert.deepEqual(found, expected);
      for (const { breaking, breaks } of checkContract(before, after))
        assert.equal(breaking, breaks.length > 0);
    });
  }

  test("the same for descriptions as for contracts", () => {
    for (const [, after] of changes) {
      const parsed = JSON.parse(JSON.stringify(exportContract(after)));
      assert.deepEqual(checkContract(exportContract(before), parsed), checkContract(before, after));
    }
  });

  test("an event that is kept instead of published alone, and one of which more is kept", () => {
    const fanOut = contract("files", { told: event(2, z.number(), { fanOut: true }) });
    const durable = contract("files", { told: event(2, z.number(), { durable: true }) });
    const longer = contract("files", { told: event(2, z.number(), { durable: { maxEvents: 5_000 } }) });
    const breaks = (older: Contract, newer: Contract) =>
      checkContract(older, newer).map(({ what, breaks }) => [what.slice(0, 26), ...breaks]);
    assert.deepEqual(breaks(fanOut, durable), [
      ["the implementer's is durab", "older-callers"],
      ["the implementer's is fanOu", "newer-callers"],
    ]);
    assert.deepEqual(breaks(durable, longer), [["is described otherwise"]]);
  });

  test("descriptions that say more than is known, but nothing that is wrong", () => {
    const described = JSON.parse(JSON.stringify(exportContract(contract("files", { told: event(2) }))));
    const { told } = described.members;
    checkContract(described, { ...described, members: { told: { ...told, later: 5 } } });
    for (const wrong of [
      { fanOut: false },
      { fanOut: 1 },
      { durable: true },
      { durable: {} },
      { durable: { maxEvents: 0 } },
    ]) {
      const changed = { ...described, members: { told: { ...told, ...wrong } } };
      assert.throws(() => checkContract(described, changed), TypeError);
    }
  });

  test("what is none", () => {
    for (const wrong of [{ sealpipe: "contract/2" }, { sealpipe: "contract/1", name: "a" }]) {
      assert.throws(() => checkContract(before, wrong as never), TypeError);
    }
    assert.throws(() => checkContract({} as never, before), { code: "ERR_INVALID_ARGUMENT" });
  });
});
