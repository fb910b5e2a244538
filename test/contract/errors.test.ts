import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RemoteError, SealpipeError, startServer } from "sealpipe";
import { cbor } from "sealpipe/cbor";
import { ContractError, contract, isError, method, offer } from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import { z } from "zod";
import { connectTo, contractPair, rejection } from "../support/contracts.ts";
import { freshName } from "../support/names.ts";

const members = {
  open: method(1, {
    input: z.string(),
    output: z.string(),
    errors: {
      NOT_FOUND: z.object({ path: z.string(), tries: z.number().default(3) }),
      BUSY: null,
      MAYBE: z.string().optional(),
    },
  }),
  other: method(2, { errors: { NOT_FOUND: z.object({ path: z.string() }) } }),
};

for (const codec of [undefined, msgpack, cbor]) {
  const files = contract("files", members, { codec });
  describe(`an error that a contract declares, with ${codec?.name ?? "json"}`, () => {
    test("arrives with its code, its message and its data, as the caller's schema makes them", async (t) => {
      const { app } = await contractPair(t, files, {
        open: (path, { fail }) => fail("NOT_FOUND", { path }, `no ${path}`),
        other() {},
      });
      const error = await rejection(app.open("a"));
      assert.ok(isError(error, files.open, "NOT_FOUND"));
      assert.deepEqual(error.data, { path: "a", tries: 3 });
      assert.equal(error.message, "no a");
      assert.ok(error instanceof ContractError && error instanceof SealpipeError && error instanceof Error);
      assert.equal(error.name, "ContractError");
      assert.ok(error.cause instanceof RemoteError);
    });

    test("is that of its own method, with its own code, and of no other", async (t) => {
      const { app } = await contractPair(t, files, {
        open: (_, { fail }) => fail("BUSY"),
        other() {},
      });
      const error = await rejection(app.open("a"));
      assert.ok(isError(error, files.open));
      assert.ok(isError(error, files.open, "BUSY"));
      assert.equal(error.data, undefined);
      assert.ok(!isError(error, files.open, "NOT_FOUND"));
      assert.ok(!isError(error, files.other));
      assert.ok(!isError(new Error("BUSY"), files.open));
      assert.ok(!isError(undefined, files.open));
    });

    test("may leave data out that may be left out", async (t) => {
      const { app } = await contractPair(t, files, {
        open: (path, { fail }) => (path === "" ? fail("MAYBE") : fail("MAYBE", path)),
        other() {},
      });
      assert.equal((await rejection(app.open(""))).data, undefined);
      assert.equal((await rejection(app.open("a"))).data, "a");
    });
  });
}

describe("what a handler fails with besides", () => {
  const files = contract("files", members);

  test("is a RemoteError, with the code that it had if it had one", async (t) => {
    const thrown: Record<string, unknown> = {
      plain: new Error("plain words"),
      coded: Object.assign(new Error("coded words"), { code: "ENOENT" }),
      text: "just text",
      nothing: undefined,
    };
    const { app } = await contractPair(t, files, {
      async open(which) {
        throw thrown[which];
      },
      other() {},
    });
    const codes: Record<string, string> = { coded: "ENOENT" };
    for (const which of Object.keys(thrown)) {
      const error = await rejection(app.open(which));
      assert.ok(error instanceof RemoteError && !(error instanceof ContractError));
      assert.equal(error.code, codes[which] ?? "ERR_HANDLER_FAILED");
    }
  });

  test("is a RemoteError if it has a declared code and no data, or data that do not fit", async (t) => {
    const { app } = await contractPair(t, files, {
      open(which) {
        const data = which === "without" ? undefined : new TextEncoder().encode('{"path":5}');
        throw Object.assign(new Error("mine"), { code: "NOT_FOUND", data });
      },
      other() {},
    });
    for (const which of ["without", "wrong"]) {
      const error = await rejection(app.open(which));
      assert.ok(error instanceof RemoteError && !isError(error, files.open));
      assert.equal(error.code, "NOT_FOUND");
    }
  });

  test("is none of this method's if it is another's, which the handler has called", async (t) => {
    const { app: inner } = await contractPair(t, files, {
      open: () => "",
      other: (_, { fail }) => fail("NOT_FOUND", { path: "inner" }),
    });
    const { app } = await contractPair(t, files, {
      open: async () => {
        await inner.other();
        return "";
      },
      other() {},
    });
    const error = await rejection(app.open("a"));
    assert.ok(error instanceof RemoteError);
    assert.equal(error.code, "ERR_HANDLER_FAILED");
  });

  test("is a mistake of its own if it asks for an error that there is not", async (t) => {
    const { app } = await contractPair(t, files, {
      open: (_, { fail }) => fail("NO_SUCH" as "BUSY"),
      other: (_, { fail }) => fail("toString" as "NOT_FOUND", { path: "" }),
    });
    for (const call of [app.open(""), app.other()]) {
      const error = await rejection(call);
      assert.match(error.message, /^"\w+" has no error "/);
      assert.ok(!(error instanceof ContractError));
    }
  });

  test("is a mistake of its own if the codec has no bytes for its data, or they are too many", async (t) => {
    const big = "x".repeat(70_000);
    const { app } = await contractPair(t, files, {
      open: (which, { fail }) => fail("NOT_FOUND", { path: which === "big" ? big : (5n as never) }),
      other() {},
    });
    assert.match((await rejection(app.open("big"))).message, /\b70\d+ bytes\b/);
    assert.match(
      (await rejection(app.open("bigint"))).message,
      /the data of "open"'s NOT_FOUND cannot be encoded/,
    );
  });
});

test("a peer that makes up failures has them refused or passed on, and no more", async (t) => {
  const files = contract("files", members);
  const name = freshName();
  const server = await startServer(name, offer(files));
  t.after(() => server.close());
  const failures: { code: string; data?: Uint8Array | undefined }[] = [
    { code: "ERR_INVALID_INPUT", data: new TextEncoder().encode('{"not":"a list"}') },
    { code: "ERR_INVALID_INPUT", data: Uint8Array.of(0xff, 0xfe) },
    {
      code: "ERR_INVALID_INPUT",
      data: new TextEncoder().encode('[null,5,{"message":5},{"message":"m","path":"p"}]'),
    },
    { code: "ERR_INVALID_OUTPUT", data: new Uint8Array(60_000) },
    { code: "NOT_FOUND", data: new TextEncoder().encode('{"path":"a","__proto__":{"polluted":1}}') },
    { code: "ERR_SOMETHING_NEW" },
    { code: "ERR_NO_HANDLER" },
  ];
  server.handle(1, () => {
    throw Object.assign(new Error("words"), failures.shift());
  });
  const app = await connectTo(t, { endpoint: server }, files);
  const seen: unknown[] = [];
  while (failures.length > 0) {
    const error = await rejection(app.open("a"));
    seen.push([error instanceof ContractError, error.code, error instanceof ContractError ? error.data : 0]);
  }
  assert.deepEqual(seen, [
    [true, "ERR_INVALID_INPUT", []],
    [true, "ERR_INVALID_INPUT", []],
    [true, "ERR_INVALID_INPUT", [{ message: "m", path: [] }]],
    [true, "ERR_INVALID_OUTPUT", []],
    [false, "NOT_FOUND", 0],
    [false, "ERR_SOMETHING_NEW", 0],
    [false, "ERR_NO_HANDLER", 0],
  ]);
});
