import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type } from "arktype";
import { CallerError } from "sealpipe";
import { type Contract, contract, event, json, type Member, method, offer } from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import * as v from "valibot";
import { z } from "zod";

function refuses(make: () => unknown, message: RegExp): void {
  assert.throws(make, (error) => {
    assert.ok(error instanceof CallerError);
    assert.equal(error.code, "ERR_INVALID_ARGUMENT");
    assert.match(error.message, message);
    return true;
  });
}

const wrongNumbers = [0, -1, 1.5, 4_294_967_295, 4_294_967_296, Number.NaN, "1", 1n, null, undefined];

describe("a member", () => {
  test("has a number from 1 to 4294967294", () => {
    for (const make of [method, event] as ((number: number) => Member)[]) {
      for (const number of [1, 4_294_967_294]) assert.equal(make(number).number, number);
      for (const number of wrongNumbers) refuses(() => make(number as number), /^a member's number is an/);
    }
  });

  test("takes schemas of zod, valibot and arktype, and nothing else", () => {
    for (const schema of [z.string(), v.string(), type("string")]) {
      assert.equal(method(1, { input: schema }).input, schema);
      assert.equal(event(1, schema).data, schema);
    }
    for (const wrong of [{}, "string", null, String, { "~standard": { version: 2, validate() {} } }]) {
      refuses(() => method(1, { input: wrong as never }), /^the input of method 1 is no schema/);
      refuses(() => method(1, { output: wrong as never }), /^the output of method 1 is no schema/);
      refuses(() => event(1, wrong as never), /^the data of event 1 is no schema/);
    }
  });

  test("is described by nothing that there is not", () => {
    refuses(() => method(1, { outptu: z.string() } as never), /^method 1 has "outptu"; there are input, out/);
    refuses(() => method(1, z.string() as never), /^method 1 is described by an object/);
    refuses(() => event(1, z.string(), { way: "both" } as never), /^event 1 has "way"/);
    refuses(() => event(1, z.string(), { direction: "up" as never }), /^event 1 has the direction "up"/);
  });

  test("that is an event goes over NATS as it says, if it goes to callers and says it rightly", () => {
    assert.deepEqual(
      [event(1).fanOut, event(1).durable, event(1, undefined, { fanOut: true }).fanOut],
      [false, undefined, true],
    );
    assert.deepEqual(event(1, z.string(), { durable: true }).durable, { maxEvents: 1_000 });
    const durable = { maxEvents: 5, maxAgeMs: 60_000 };
    assert.deepEqual(event(1, z.string(), { durable }).durable, durable);
    assert.equal(event(1, z.string(), { durable: false, fanOut: false }).durable, undefined);
    refuses(
      () => event(1, z.string(), { fanOut: true, durable: true }),
      /^event 1 is both fanOut and durable/,
    );
    refuses(() => event(1, z.string(), { fanOut: 1 as never }), /^event 1 has a fanOut that is neither/);
    for (const direction of ["both", "from-caller"] as const) {
      const given = { direction, fanOut: true } as { direction: typeof direction };
      refuses(() => event(1, z.string(), given), /^event 1 is fanOut or durable, and not "to-caller"/);
    }
    for (const wrong of [{ maxEvents: 0 }, { maxEvents: 1.5 }, { maxEvents: "5" }, { maxEvents: 2 ** 32 }]) {
      refuses(() => event(1, z.string(), { durable: wrong as never }), /^event 1 has a maxEvents/);
    }
    refuses(() => event(1, z.string(), { durable: { maxAgeMs: 999 } }), /^event 1 has a maxAgeMs/);
    refuses(
      () => event(1, z.string(), { durable: { more: 1 } as never }),
      /^what is kept of event 1 has "more"/,
    );
    for (const wrong of [1, "yes", null]) {
      refuses(
        () => event(1, z.string(), { durable: wrong as never }),
        /^what is kept of event 1 is described/,
      );
    }
  });

  test("has errors with codes that are not the library's, and with a schema or null", () => {
    const errors = { NOT_FOUND: z.string(), BUSY_2: null };
    assert.deepEqual(Object.keys(method(1, { errors }).errors), ["NOT_FOUND", "BUSY_2"]);
    for (const code of ["ERR_MINE", "not_found", "", "X".repeat(65), "A B"]) {
      refuses(() => method(1, { errors: { [code]: null } }), /^method 1 has an error/);
    }
    refuses(
      () => method(1, { errors: { A: "text" as never } }),
      /^method 1's error A has no schema, nor null/,
    );
  });

  test("does not change with what it was made of", () => {
    const errors: Record<string, null> = { A: null };
    const made = method(1, { errors });
    errors["B"] = null;
    assert.deepEqual(Object.keys(made.errors), ["A"]);
    assert.ok(Object.isFrozen(made) && Object.isFrozen(made.errors));
  });
});

describe("a contract", () => {
  test("has its members by their names", () => {
    const open = method(1);
    const made = contract("files", { open });
    assert.equal(made.open, open);
    assert.deepEqual(Object.keys(made), ["open"]);
    assert.ok(Object.isFrozen(made));
  });

  test("has no number twice, whatever has it", () => {
    const members = { open: method(1), close2: method(2), changed: event(1) };
    refuses(() => contract("files", members), /^"open" and "changed" have the number 1$/);
  });

  test("has names that are identifiers and not the library's own", () => {
    for (const name of ["", "1a", "a-b", "é", "_a", "a".repeat(65)]) {
      refuses(() => contract("files", { [name]: method(1) }), /is no name of a member/);
    }
    for (const name of ["then", "on", "emit", "close", "has", "endpoint", "constructor", "toString"]) {
      refuses(() => contract("files", { [name]: method(1) }), /is a name that the library needs itself$/);
    }
    const members = JSON.parse('{ "__proto__": 1 }') as Record<string, Member>;
    refuses(() => contract("files", members), /^"__proto__" is no name of a member/);
  });

  test("is made of members alone", () => {
    for (const wrong of [undefined, null, {}, { kind: "method", number: 1 }, "method"]) {
      refuses(() => contract("files", { open: wrong as never }), /^"open" was made by none of/);
    }
    refuses(() => contract("files", undefined as never), /^contract "files" has no object of members/);
  });

  test("has a name and a version that a hello has room for", () => {
    const members = { open: method(1) };
    const longest = "é".repeat(127);
    assert.deepEqual(offer(contract(longest, members, { version: longest })).contracts[0]?.name, longest);
    for (const name of ["", `${longest}éé`, "half \ud83d", 1, undefined]) {
      refuses(() => contract(name as string, members), /^a contract's name is a string of 1 to 255 bytes/);
    }
    refuses(
      () => contract("a", members, { version: "x".repeat(256) }),
      /^the version of contract "a" is a string/,
    );
  });

  test("has options that there are", () => {
    const members = { open: method(1) };
    refuses(() => contract("a", members, { verison: "1" } as never), /^a contract has no option "verison"/);
    refuses(() => contract("a", members, { codec: JSON as never }), /^the codec of contract "a" has no name/);
  });
});

describe("what is told of contracts", () => {
  const members = { open: method(1, { input: z.string() }) };
  const files = contract("files", members, { version: "1.2" });

  test("is the codec, and name, version and hash of each", () => {
    const told = offer(files, contract("others", members));
    assert.equal(told.codec, "json");
    assert.deepEqual(
      told.contracts.map(({ name, version, hash }) => [name, version, hash.length]),
      [
        ["files", "1.2", 32],
        ["others", "", 32],
      ],
    );
  });

  test("has the same hash for the same description and no other", () => {
    const hashOf = (given: Contract) => Buffer.from(offer(given).contracts[0]?.hash ?? []).toString("hex");
    const hash = hashOf(files);
    assert.equal(hashOf(contract("files", members, { version: "1.2" })), hash);
    const others = [
      contract("file", members, { version: "1.2" }),
      contract("files", members, { version: "1.3" }),
      contract("files", members, { version: "1.2", codec: msgpack }),
      contract("files", { open: method(2, { input: z.string() }) }, { version: "1.2" }),
      contract("files", { open: method(1, { input: z.number() }) }, { version: "1.2" }),
      contract("files", { open: method(1) }, { version: "1.2" }),
    ];
    for (const other of others) assert.notEqual(hashOf(other), hash);
  });

  test("is refused for two of one name, of two codecs, for none, and for what is no contract", () => {
    refuses(() => offer(files, files), /^two contracts have the same name/);
    refuses(
      () => offer(files, contract("b", members, { codec: msgpack })),
      /^"files" has the codec json and "b" msg/,
    );
    refuses(() => offer(), /^there is no contract/);
    refuses(() => offer({ open: method(1) } as never), /^what is given as a contract was not made by/);
  });

  test("names the codec that contracts have by default", () => assert.equal(json.name, "json"));
});
