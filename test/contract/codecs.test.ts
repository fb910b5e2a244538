import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cbor } from "sealpipe/cbor";
import { type Codec, contract, json, method } from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import { z } from "zod";
import { anything, contractPair, rejection } from "../support/contracts.ts";

const codecs: Record<string, Codec> = { json, msgpack, cbor };
const refused = Symbol("refused");

/** What docs/contracts.md says that becomes of each value. */
const values: [string, unknown, Record<keyof typeof codecs, unknown>][] = [
  ["text", "é\u0000😀", { json: "é\u0000😀", msgpack: "é\u0000😀", cbor: "é\u0000😀" }],
  ["a number", 2 ** 53 - 1, { json: 2 ** 53 - 1, msgpack: 2 ** 53 - 1, cbor: 2 ** 53 - 1 }],
  ["null", null, { json: null, msgpack: null, cbor: null }],
  ["nothing", undefined, { json: undefined, msgpack: undefined, cbor: undefined }],
  [
    "a property that is undefined",
    { a: undefined, b: 1 },
    { json: { b: 1 }, msgpack: { b: 1 }, cbor: { b: 1 } },
  ],
  ["NaN", Number.NaN, { json: null, msgpack: Number.NaN, cbor: Number.NaN }],
  ["infinity", [-1 / 0], { json: [null], msgpack: [-1 / 0], cbor: [-1 / 0] }],
  ["a small BigInt", 5n, { json: refused, msgpack: refused, cbor: 5 }],
  ["a large BigInt", 2n ** 63n, { json: refused, msgpack: refused, cbor: 2n ** 63n }],
  [
    "a date",
    new Date(86_400_000),
    { json: "1970-01-02T00:00:00.000Z", msgpack: new Date(86_400_000), cbor: refused },
  ],
  [
    "bytes among others",
    { a: Uint8Array.of(1, 255) },
    {
      json: { a: { 0: 1, 1: 255 } },
      msgpack: { a: Uint8Array.of(1, 255) },
      cbor: { a: Uint8Array.of(1, 255) },
    },
  ],
  ["a function", { f() {} }, { json: {}, msgpack: refused, cbor: refused }],
];

for (const [name, codec] of Object.entries(codecs)) {
  describe(`with ${name}`, () => {
    const echo = contract("echo", { echo: method(1, { input: anything, output: anything }) }, { codec });

    for (const [what, value, becomes] of values) {
      const expected = becomes[name];
      test(`${what} ${expected === refused ? "is refused where it is sent" : "arrives as documented"}`, async (t) => {
        const { app } = await contractPair(t, echo, { echo: (input) => input });
        if (expected === refused) {
          assert.equal((await rejection(app.echo(value))).code, "ERR_INVALID_ARGUMENT");
          return;
        }
        assert.deepEqual(await app.echo(value), expected);
      });
    }

    test("256 lists in each other arrive, and more do not", async (t) => {
      const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
      const { app } = await contractPair(t, echo, { echo: (input) => input });
      assert.deepEqual(await app.echo(nested(256)), nested(256));
      const code = (await rejection(app.echo(nested(257)))).code ?? "";
      // MessagePack's own encoder ends there.
      assert.equal(code, name === "msgpack" ? "ERR_INVALID_ARGUMENT" : "ERR_INVALID_INPUT");
    });
  });
}

const proto = Buffer.from("__proto__");
const hostile: Record<string, Record<string, Uint8Array>> = {
  json: {
    "no JSON": Buffer.from("{x}"),
    "two values": Buffer.from("1 2"),
    "a byte order mark": Buffer.from("\ufeff1"),
    "no UTF-8": Buffer.concat([Buffer.from('"'), Buffer.of(0xff, 0xc0), Buffer.from('"')]),
    "a key __proto__": Buffer.from('{"a":[{"__proto__":{"polluted":true}}]}'),
    "a key __proto__, written with escapes": Buffer.from(
      '{"\\u005f\\u005fproto\\u005F\\u005f":{"polluted":true}}',
    ),
    "10^5 lists in each other": Buffer.from("[".repeat(1e5) + "]".repeat(1e5)),
    "10^5 lists that do not end": Buffer.from("[".repeat(1e5)),
    "10^5 objects in each other": Buffer.from(`${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}`),
  },
  msgpack: {
    "too few bytes": Buffer.of(0x92, 1),
    "too many bytes": Buffer.of(1, 2),
    "a list of 4294967295": Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff, 1),
    "text of 4294967295 bytes": Buffer.of(0xdb, 0xff, 0xff, 0xff, 0xff, 1),
    "a type that there is not": Buffer.of(0xc1),
    "a key __proto__": Buffer.concat([Buffer.of(0x81, 0xa9), proto, Buffer.of(0x80)]),
    "10^5 lists in each other": Buffer.concat([Buffer.alloc(1e5, 0x91), Buffer.of(1)]),
  },
  cbor: {
    "too few bytes": Buffer.of(0x82, 1),
    "too many bytes": Buffer.of(1, 2),
    "a list of 4294967295": Buffer.of(0x9a, 0xff, 0xff, 0xff, 0xff, 1),
    "text of 2^63 bytes": Buffer.of(0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1),
    "a type that there is not": Buffer.of(0xfc),
    "a key twice": Buffer.of(0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2),
    "a key __proto__": Buffer.concat([Buffer.of(0xa1, 0x69), proto, Buffer.of(0xa0)]),
    "a key __proto__ in pieces": Buffer.concat([
      Buffer.of(0xa1, 0x7f, 0x64),
      proto.subarray(0, 4),
      Buffer.of(0x65),
      proto.subarray(4),
      Buffer.of(0xff, 0xa0),
    ]),
    "10^5 lists in each other": Buffer.concat([Buffer.alloc(1e5, 0x81), Buffer.of(1)]),
  },
};

for (const [name, inputs] of Object.entries(hostile)) {
  const codec = codecs[name] as Codec;
  const tree: z.ZodType = z.lazy(() => z.union([z.array(tree), z.record(z.string(), tree), z.number()]));
  const trees = contract("trees", { grow: method(1, { input: tree, output: tree }) }, { codec });

  describe(`a peer that sends, as ${name},`, () => {
    for (const [what, data] of Object.entries(inputs)) {
      test(`${what} is refused, and pollutes nothing`, async (t) => {
        const { app } = await contractPair(t, trees, { grow: () => assert.fail("it ran") });
        const error = await rejection(app.endpoint.request(1, data, { timeoutMs: 10_000 }));
        assert.equal(error.code, "ERR_INVALID_INPUT");
        assert.match(error.message, /^the input of "grow" does not fit: no \w+: /);
        assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      });

      test(`${what} as an answer is refused by the caller`, async (t) => {
        const { app, server } = await contractPair(t, trees, { grow: () => 1 });
        server.endpoint.connections[0]?.handle(1, () => data);
        const error = await rejection(app.grow(1, { timeoutMs: 10_000 }));
        assert.equal(error.code, "ERR_INVALID_OUTPUT");
      });
    }
  });
}

test("a codec of the program's own that fails does no more harm than any", async (t) => {
  const codec: Codec = {
    name: "mine",
    encode: (value) => (value === "no" ? assert.fail("own words") : JSON.stringify(value)),
    decode: () => {
      throw "a text";
    },
  };
  const echo = contract("echo", { echo: method(1, { input: anything }) }, { codec });
  const { app } = await contractPair(t, echo, { echo: () => {} });
  assert.match((await rejection(app.echo("no"))).message, /cannot be encoded as mine: own words/);
  assert.match((await rejection(app.echo("yes"))).message, /no mine: a text/);
});
