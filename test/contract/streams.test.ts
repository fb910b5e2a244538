import assert from "node:assert/strict";
import { on } from "node:events";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { createClient, type SealpipeError, startServer } from "sealpipe";
import {
  bind,
  bytes,
  ContractError,
  checkContract,
  contract,
  exportContract,
  isError,
  method,
  offer,
  serve,
  stream,
} from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import { z } from "zod";
import { connectTo, contractPair, rejection, schemaThat } from "../support/contracts.ts";
import { freshName } from "../support/names.ts";
import { until } from "../support/waiting.ts";

const timeout = 60_000;

const Line = z.object({ number: z.number(), text: z.string() });

function logsWith(codec?: typeof msgpack) {
  return contract(
    "logs",
    {
      tail: stream(1, {
        input: z.object({ path: z.string(), from: z.number().default(1) }),
        output: Line,
        errors: { NOT_FOUND: null },
      }),
      upload: stream(2, { items: z.string() }),
      chat: stream(3, {
        input: z.string(),
        output: z.string(),
        items: z.string().transform((text) => text.length),
      }),
      raw: stream(4, { output: bytes, items: bytes }),
      size: method(5, { output: z.number() }),
    },
    codec && { codec },
  );
}

const logs = logsWith();

/** Handlers that do what the members are for, and what they saw. */
function handlers() {
  const seen: unknown[] = [];
  return {
    seen,
    async *tail(
      { path, from }: { path: string; from: number },
      { fail }: { fail: (code: "NOT_FOUND") => never },
    ) {
      if (path !== "a.log") fail("NOT_FOUND");
      try {
        for (let number = from; number < from + 3; number++) yield { number, text: `line ${number}` };
      } finally {
        seen.push("done");
      }
    },
    async upload(_: undefined, { items }: { items: AsyncIterable<string> }) {
      for await (const item of items) seen.push(item);
    },
    async *chat(name: string, { items }: { items: AsyncIterable<number> }) {
      yield `hello ${name}`;
      for await (const length of items) yield `${length} letters`;
    },
    async *raw(_: undefined, { items }: { items: AsyncIterable<Uint8Array> }) {
      for await (const data of items) yield data.map((byte) => 255 - byte);
    },
    size: () => 5,
  };
}

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

for (const [name, codec] of Object.entries({ json: undefined, msgpack })) {
  describe(`a stream of a contract, with ${name}`, { timeout }, () => {
    const contract = logsWith(codec);

    test("goes towards the caller, and what it is opened with has the schema's defaults", async (t) => {
      const { app } = await contractPair(t, contract, handlers());
      const lines = await listOf(app.tail({ path: "a.log" }));
      assert.deepEqual(
        lines.map(({ number }) => number),
        [1, 2, 3],
      );
      assert.equal((await app.tail({ path: "a.log", from: 7 }).read())?.text, "line 7");
      assert.equal((await Readable.from(app.tail({ path: "a.log" })).toArray()).length, 3);
    });

    test("goes from the caller, which learns when the handler has finished", async (t) => {
      const all = handlers();
      const { app } = await contractPair(t, contract, all);
      const upload = app.upload();
      for (const item of ["one", "two", "three"]) await upload.write(item);
      upload.end();
      await upload.finished();
      assert.deepEqual(all.seen, ["one", "two", "three"]);
    });

    test("goes both ways, and transforms where it arrives", async (t) => {
      const { app } = await contractPair(t, contract, handlers());
      const chat = app.chat("Ada");
      assert.equal(await chat.read(), "hello Ada");
      chat.write("four");
      assert.equal(await chat.read(), "4 letters");
      chat.end();
      assert.equal(await chat.read(), undefined);
    });

    test("of bytes has them as they are", async (t) => {
      const { app } = await contractPair(t, contract, handlers());
      const raw = app.raw();
      const data = Uint8Array.of(0, 1, 255);
      raw.write(data);
      data.fill(9);
      raw.end();
      assert.deepEqual(await listOf(raw), [Uint8Array.of(255, 254, 0)]);
    });
  });
}

describe("a stream of a contract that is written before it is open", { timeout }, () => {
  test("waits for the connection, in order", async (t) => {
    const name = freshName();
    const client = createClient(name, { retryDelayMs: 5, ...offer(logs) });
    t.after(() => client.close());
    const all = handlers();
    const binding = bind(client, logs);
    const server = await serve(name, logs, all);
    t.after(() => server.close());
    const app = await binding;
    const upload = app.upload();
    const writes = ["a", "b", "c"].map((item) => upload.write(item));
    assert.ok(writes[0] instanceof Promise, "it is not open yet");
    upload.end();
    await upload.finished();
    assert.deepEqual(all.seen, ["a", "b", "c"]);
  });
});

describe("a stream of a contract that its caller leaves", { timeout }, () => {
  test("has its generator end, and its signal abort, at once", async (t) => {
    const events: string[] = [];
    const endless = contract("endless", { count: stream(1, { output: z.number() }) });
    const { app } = await contractPair(t, endless, {
      async *count(_, { signal }) {
        signal.addEventListener("abort", () => events.push("aborted"));
        try {
          for (let number = 0; ; number++) yield number;
        } finally {
          events.push("returned");
        }
      },
    });
    for await (const number of app.count()) if (number === 3) break;
    await until(() => events.length === 2);
    assert.deepEqual(events.toSorted(), ["aborted", "returned"]);
  });

  test("goes on the other way if it goes both", async (t) => {
    const heard: number[] = [];
    const both = contract("both", { talk: stream(1, { output: z.number(), items: z.number() }) });
    const { app } = await contractPair(t, both, {
      async *talk(_, { items }) {
        yield 1;
        for await (const item of items) heard.push(item);
      },
    });
    const talk = app.talk();
    for await (const number of talk) if (number === 1) break;
    await talk.write(5);
    talk.end();
    await until(() => heard.length === 1);
  });

  test("by its signal rejects with the reason, before and after it is open", async (t) => {
    const { app } = await contractPair(t, logs, {
      ...handlers(),
      async *chat() {
        yield* [];
        await new Promise(() => {});
      },
    });
    const reason = new Error("enough");
    assert.equal(
      await rejection(listOf(app.tail({ path: "a.log" }, { signal: AbortSignal.abort(reason) }))),
      reason,
    );
    const controller = new AbortController();
    const chat = app.chat("Ada", { signal: controller.signal });
    const reading = rejection(chat.read());
    await chat.write("a");
    controller.abort(reason);
    assert.equal(await reading, reason);
    await until(() => chat.signal.aborted);
  });

  test("leaves room for others: two at a time, two hundred of them", async (t) => {
    const { app } = await contractPair(t, logs, handlers(), { server: { maxConcurrentStreams: 2 } });
    for (let round = 0; round < 100; round++) {
      const [one, other] = await Promise.all([
        listOf(app.tail({ path: "a.log" })),
        listOf(app.tail({ path: "a.log" })),
      ]);
      assert.equal(one.length + other.length, 6);
    }
  });
});

describe("a stream of a contract that fails", { timeout }, () => {
  test("has the contract's codes, to tell apart", async (t) => {
    const { app } = await contractPair(t, logs, handlers());
    const error = await rejection(listOf(app.tail({ path: "b.log" })));
    assert.ok(isError(error, logs.tail, "NOT_FOUND") && isError(error, logs.tail));
    assert.equal(error.data, undefined);
    assert.ok(!isError(error, logs.size));
    const read = await rejection(app.tail({ path: "b.log" }).read());
    assert.ok(isError(read, logs.tail, "NOT_FOUND"));
  });

  test("is not run with an input that does not fit", async (t) => {
    const all = handlers();
    const { app } = await contractPair(t, logs, all);
    const error = await rejection(app.tail({ path: 5 as never }).read());
    assert.ok(isError(error, logs.tail, "ERR_INVALID_INPUT"));
    assert.match(error.message, /^the input of "tail" does not fit: path: /);
    assert.deepEqual(all.seen, []);
  });

  test("is reset by an item that does not fit, which the handler does not see", async (t) => {
    const all = handlers();
    const { app } = await contractPair(t, logs, all);
    const upload = app.upload();
    upload.write("fits");
    upload.write(5 as never);
    upload.write("too late");
    const error = await rejection(upload.finished());
    assert.ok(isError(error, logs.upload, "ERR_INVALID_INPUT"));
    assert.match(error.message, /^an item of "upload" does not fit: /);
    assert.deepEqual(all.seen, ["fits"]);
    assert.throws(() => upload.write("more"), ContractError);
  });

  test("shows nothing of an output that does not fit, of which this end learns", async (t) => {
    const wrong = {
      ...handlers(),
      async *tail() {
        yield { number: 1, text: "fits" };
        yield { secret: "of the server" } as never;
      },
    };
    const { server, app } = await contractPair(t, logs, wrong);
    const errors = on(server.endpoint, "error");
    const tail = app.tail({ path: "a.log" });
    assert.equal((await tail.read())?.number, 1);
    const error = await rejection(tail.read());
    assert.ok(isError(error, logs.tail, "ERR_INVALID_OUTPUT"));
    assert.deepEqual(error.data, []);
    assert.doesNotMatch(error.message, /secret|number/);
    const told = ((await errors.next()).value as [SealpipeError])[0];
    assert.equal(told.code, "ERR_INVALID_OUTPUT");
    assert.match(told.message, /number/);
  });

  test("is reset by its caller whose own schema refuses an item", async (t) => {
    const strict = contract("logs", {
      tail: stream(1, {
        output: schemaThat<{ number: number; text: string }>(() => ({ issues: [{ message: "never" }] })),
      }),
    });
    const signals: AbortSignal[] = [];
    const loose = contract("logs", { tail: stream(1, { output: Line }) });
    const server = await serve(freshName(), loose, {
      async *tail(_, { signal }) {
        signals.push(signal);
        for (let number = 0; ; number++) yield { number, text: "" };
      },
    });
    t.after(() => server.close());
    const app = await connectTo(t, server, strict);
    const error = await rejection(app.tail().read());
    assert.ok(isError(error, strict.tail, "ERR_INVALID_OUTPUT"));
    assert.deepEqual(error.data, [{ message: "never", path: [] }]);
    await until(() => signals[0]?.aborted === true);
  });

  test("with something that is no iterable is a mistake of the handler's", async (t) => {
    const { app } = await contractPair(t, logs, { ...handlers(), tail: (() => 5) as never });
    assert.equal((await rejection(app.tail({ path: "a.log" }).read())).code, "ERR_HANDLER_FAILED");
  });

  test("takes a list, or a promise of one, for its items", async (t) => {
    const list = [
      { number: 1, text: "a" },
      { number: 2, text: "b" },
    ];
    const { app } = await contractPair(t, logs, { ...handlers(), tail: () => list });
    assert.deepEqual(await listOf(app.tail({ path: "a.log" })), list);
    const { app: later } = await contractPair(t, logs, { ...handlers(), tail: async () => list });
    assert.deepEqual(await listOf(later.tail({ path: "a.log" })), list);
  });

  test("by the caller's reset has its code and message at the handler", async (t) => {
    let seen: unknown;
    const { app } = await contractPair(t, logs, {
      ...handlers(),
      async upload(_, { items }) {
        for await (const _ of items);
      },
      async *chat(_, { items }) {
        yield "open";
        try {
          for await (const _ of items);
        } catch (error) {
          seen = error;
        }
      },
    });
    const chat = app.chat("a");
    await chat.read();
    chat.reset({ code: "BORED", message: "that will do" });
    await until(() => seen !== undefined);
    assert.deepEqual(
      [(seen as SealpipeError).code, (seen as SealpipeError).message],
      ["BORED", "that will do"],
    );
  });
});

describe("a stream of a contract and its peer", { timeout }, () => {
  test("that lacks it: a call fails with ERR_NO_HANDLER, and has says so before", async (t) => {
    const less = contract("logs", { size: method(5, { output: z.number() }) });
    const server = await serve(freshName(), less, { size: () => 1 });
    t.after(() => server.close());
    const app = await connectTo(t, server, logs);
    assert.equal(app.has("tail"), false);
    assert.equal((await rejection(app.tail({ path: "a" }).read())).code, "ERR_NO_HANDLER");
  });

  test("that speaks golang-ipc's wire: it has none", async (t) => {
    const server = await startServer(freshName(), { profile: "classic" });
    t.after(() => server.close());
    const app = await connectTo(t, { endpoint: server }, logs);
    assert.equal(app.has("tail"), false);
    assert.equal((await rejection(app.tail({ path: "a" }).read())).code, "ERR_PEER_NOT_NATIVE");
  });

  test("has the caller's trace", async (t) => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const seen: unknown[] = [];
    const { app } = await contractPair(t, logs, {
      ...handlers(),
      async upload(_, { context }) {
        seen.push(context);
      },
    });
    const upload = app.upload(undefined, { context: { traceparent } });
    await upload.finished();
    assert.deepEqual(seen, [{ traceparent }]);
  });

  test("waits for a schema that takes its time, and nothing overtakes", async (t) => {
    const slow = schemaThat<number>(async (value) => {
      await new Promise((resolve) => setImmediate(resolve));
      return { value: value as number };
    });
    const order: string[] = [];
    const mixed = contract("mixed", {
      sum: stream(1, { input: slow, items: slow }),
      note: method(2, { input: z.string() }),
    });
    const { app } = await contractPair(t, mixed, {
      async sum(first, { items }) {
        order.push(`sum ${first}`);
        for await (const item of items) order.push(`item ${item}`);
      },
      note: (text) => {
        order.push(`note ${text}`);
      },
    });
    const sum = app.sum(1);
    for (const item of [2, 3]) sum.write(item);
    sum.end();
    await sum.finished();
    assert.deepEqual(order, ["sum 1", "item 2", "item 3"]);
  });
});

describe("a stream's description", { timeout }, () => {
  test("has its kind, its number and its schemas", () => {
    const { tail, upload } = exportContract(logs).members;
    assert.deepEqual(upload, { kind: "stream", number: 2, items: { type: "string" } });
    assert.ok(tail?.kind === "stream");
    assert.deepEqual(tail.errors, { NOT_FOUND: null });
    assert.deepEqual(Object.keys(tail).toSorted(), ["errors", "input", "kind", "number", "output"]);
  });

  const of = (parts: Parameters<typeof stream>[1]) => contract("c", { s: stream(1, parts) });
  for (const [what, older, newer, breaks] of [
    [
      "an item towards the caller that may be more",
      { output: z.string() },
      { output: z.string().nullable() },
      "older-callers",
    ],
    [
      "an item from the caller that may be more",
      { items: z.string() },
      { items: z.string().nullable() },
      "newer-callers",
    ],
    [
      "an input that needs more",
      { input: z.object({}), output: z.string() },
      { input: z.object({ a: z.string() }), output: z.string() },
      "older-callers",
    ],
    [
      "items that there were not",
      { output: z.string() },
      { output: z.string(), items: z.string() },
      "older-callers,newer-callers",
    ],
  ] as const) {
    test(`reports ${what}`, () => {
      const changes = checkContract(of(older), of(newer));
      assert.equal(changes.map((change) => change.breaks.join()).join(";"), breaks);
      assert.deepEqual(checkContract(of(older), of(older)), []);
    });
  }

  test("reports a method that became a stream", () => {
    const before = contract("c", { s: method(1, { output: z.string() }) });
    const [change] = checkContract(before, of({ output: z.string() }));
    assert.equal(change?.what, "its kinds are method and stream");
  });

  for (const [what, parts] of [
    ["neither output nor items", {}],
    ["an error with data", { output: z.string(), errors: { A: z.string() } }],
    ["a part that there is not", { output: z.string(), data: z.string() }],
    ["no schema", { output: 5 }],
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => stream(1, parts as never), { code: "ERR_INVALID_ARGUMENT" });
    });
  }
});
