import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type } from "arktype";
import { CallerError, createClient, PeerError, RemoteError, startServer } from "sealpipe";
import { bind, bytes, contract, implement, isError, method, offer } from "sealpipe/contract";
import * as v from "valibot";
import { z } from "zod";
import { anything, connectTo, contractPair, rejection, schemaThat } from "../support/contracts.ts";
import { freshName } from "../support/names.ts";
import { nextEvent, turns, until } from "../support/waiting.ts";

const schemas = {
  zod: z.object({ path: z.string(), lines: z.number().default(10) }),
  valibot: v.object({ path: v.string(), lines: v.optional(v.number(), 10) }),
  arktype: type({ path: "string", lines: "number = 10" }),
};

for (const [library, schema] of Object.entries(schemas)) {
  describe(`a method with schemas of ${library}`, () => {
    const files = contract("files", { open: method(1, { input: schema, output: schema }) });

    test("takes what fits, as the schema makes it, and gives what fits", async (t) => {
      const seen: unknown[] = [];
      const { app } = await contractPair(t, files, {
        open(input) {
          seen.push(input);
          return { path: input.path.toUpperCase() };
        },
      });
      assert.deepEqual(await app.open({ path: "a" }), { path: "A", lines: 10 });
      assert.deepEqual(await app.open({ path: "b", lines: 2 }), { path: "B", lines: 10 });
      assert.deepEqual(seen, [
        { path: "a", lines: 10 },
        { path: "b", lines: 2 },
      ]);
    });

    test("is not done with an input that does not fit, and the caller hears where", async (t) => {
      const { app } = await contractPair(t, files, { open: () => assert.fail("it ran") });
      const error = await rejection(app.open({ path: 5 } as never));
      assert.ok(isError(error, files.open, "ERR_INVALID_INPUT"));
      assert.deepEqual(
        error.data.map(({ path }) => path),
        [["path"]],
      );
      assert.match(error.message, /^the input of "open" does not fit: path: /);
      assert.equal(error.fault, "peer");
    });

    test("gives the caller nothing of an output that does not fit, and reports it at the server", async (t) => {
      const { app, server } = await contractPair(t, files, {
        open: () => ({ path: 7, secret: "hidden" }) as never,
      });
      const told = nextEvent<[Error & { code: string; data: unknown }]>(server.endpoint, "error");
      const error = await rejection(app.open({ path: "a" }));
      assert.ok(isError(error, files.open, "ERR_INVALID_OUTPUT"));
      assert.deepEqual(error.data, []);
      assert.equal(error.message, 'the answer to "open" did not fit the contract');
      const [here] = await told;
      assert.equal(here.code, "ERR_INVALID_OUTPUT");
      assert.match(here.message, /^what the handler of "open" returned does not fit: path: /);
      assert.equal(Array.isArray((here.data as { path: unknown }[])[0]?.path), true);
    });
  });
}

test("a method without input and output passes nothing either way", async (t) => {
  const seen: unknown[][] = [];
  const pings = contract("pings", { ping: method(1) });
  const { app } = await contractPair(t, pings, {
    ping(...args) {
      seen.push(args.slice(0, 1));
      return "ignored" as never;
    },
  });
  assert.equal(await app.ping(), undefined);
  assert.equal(await app.ping("ignored" as never), undefined);
  assert.deepEqual(seen, [[undefined], [undefined]]);
});

test("bytes go as they are, empty ones too", async (t) => {
  const files = contract("files", { reverse: method(1, { input: bytes, output: bytes }) });
  const { app } = await contractPair(t, files, { reverse: (data) => data.slice().reverse() });
  assert.deepEqual(await app.reverse(Uint8Array.of(0, 255, 7)), Uint8Array.of(7, 255, 0));
  assert.equal((await app.reverse(new Uint8Array(0))).length, 0);
  const error = await rejection(app.reverse([1] as never));
  assert.ok(error instanceof CallerError);
});

test("an input that the codec has no bytes for is refused where it is given", async (t) => {
  const numbers = contract("numbers", { add: method(1, { input: anything, output: anything }) });
  const { app } = await contractPair(t, numbers, { add: (input) => input });
  const circle: unknown[] = [];
  circle.push(circle);
  for (const wrong of [5n, circle, () => {}, Symbol("x"), { toJSON: () => assert.fail("mine") }]) {
    const error = await rejection(app.add(wrong));
    assert.ok(error instanceof CallerError);
    assert.match(error.message, /^the input of "add" cannot be encoded as json: /);
    assert.ok(error.cause !== undefined);
  }
});

test("an output that the codec has no bytes for is the handler's mistake", async (t) => {
  const numbers = contract("numbers", { get: method(1, { output: anything }) });
  const { app, server } = await contractPair(t, numbers, { get: () => 5n });
  const told = nextEvent<[Error]>(server.endpoint, "error");
  assert.ok(isError(await rejection(app.get()), numbers.get, "ERR_INVALID_OUTPUT"));
  assert.match((await told)[0].message, /the output of "get" cannot be encoded as json/);
});

test("a handler that gives nothing if there has to be something fails, and otherwise does not", async (t) => {
  const some = contract("some", {
    must: method(1, { output: z.string() }),
    may: method(2, { output: z.string().optional() }),
  });
  const { app, server } = await contractPair(t, some, {
    must: () => undefined as never,
    may: () => undefined,
  });
  server.endpoint.on("error", () => {});
  assert.ok(isError(await rejection(app.must()), some.must, "ERR_INVALID_OUTPUT"));
  assert.equal(await app.may(), undefined);
});

test("a mistake of a handler is a warning of the process if nobody listens for errors", async (t) => {
  const some = contract("some", { must: method(1, { output: z.string() }) });
  const { app } = await contractPair(t, some, { must: () => 1 as never });
  const warned = nextEvent<[Error & { code: string }]>(process, "warning");
  await rejection(app.must());
  assert.equal((await warned)[0].code, "ERR_INVALID_OUTPUT");
});

test("options of a request pass through: signal, timeout, and what the handler sees of them", async (t) => {
  const slow = contract("slow", { wait: method(1) });
  const begun: AbortSignal[] = [];
  const { app } = await contractPair(t, slow, {
    wait: (_, { signal }) => {
      begun.push(signal);
      return new Promise<undefined>(() => {});
    },
  });
  const controller = new AbortController();
  const waits = rejection(app.wait(undefined, { signal: controller.signal }));
  await until(() => begun.length === 1);
  controller.abort(new Error("enough"));
  assert.equal((await waits).message, "enough");
  const error = await rejection(app.wait(undefined, { timeoutMs: 20 }));
  assert.ok(error instanceof PeerError);
  assert.equal(error.code, "ERR_REQUEST_TIMEOUT");
  await until(() => begun.every(({ aborted }) => aborted));
  assert.equal((await rejection(app.wait(undefined, { timeout: 1 } as never))).code, "ERR_INVALID_OPTION");
});

test("handlers may be methods of an object, which they find as `this`", async (t) => {
  class Counter {
    count = 0;
    add(by: number): number {
      this.count += by;
      return this.count;
    }
  }
  const counting = contract("counting", { add: method(1, { input: z.number(), output: z.number() }) });
  const { app } = await contractPair(t, counting, new Counter());
  assert.equal(await app.add(2), 2);
  assert.equal(await app.add(3), 5);
});

test("a schema that takes its time does not let a later call overtake", async (t) => {
  const gates: (() => void)[] = [];
  const patient = schemaThat<string>(async (value) => {
    if (value === "slow") await new Promise<void>((resolve) => gates.push(resolve));
    return { value: value as string };
  });
  const order: string[] = [];
  const orders = contract("orders", {
    note: method(1, { input: patient }),
    quick: method(2, { input: z.string() }),
  });
  const { app } = await contractPair(t, orders, {
    note: (text) => void order.push(text),
    quick: (text) => void order.push(text),
  });
  const calls = [app.note("slow"), app.note("a"), app.quick("b"), app.quick("c")];
  while (gates.length === 0) await turns(1);
  await turns();
  assert.deepEqual(order, []);
  gates[0]?.();
  await Promise.all(calls);
  assert.deepEqual(order, ["slow", "a", "b", "c"]);
});

test("each connection has its own order: a schema that never ends holds up only the one who called", async (t) => {
  const patient = schemaThat<string>((value) =>
    value === "never" ? new Promise<never>(() => {}) : { value: value as string },
  );
  const orders = contract("orders", { note: method(1, { input: patient, output: z.string() }) });
  const { app, server } = await contractPair(t, orders, { note: (text) => text });
  const other = await connectTo(t, server, orders);
  app.note("never").catch(() => {});
  assert.equal(await other.note("a"), "a");
});

describe("a schema that breaks its promise", () => {
  const broken: Record<string, () => never> = {
    "throws at once": () => {
      throw new Error("inner words");
    },
    "rejects late": () => Promise.reject(new Error("inner words")) as never,
    "gives nothing": () => undefined as never,
    "gives issues that are no list": () => ({ issues: 5 }) as never,
    "gives issues that are none": () => ({ issues: [null] }) as never,
  };
  for (const [how, validate] of Object.entries(broken)) {
    test(`and ${how} has the call refused, and the program learns of it`, async (t) => {
      const odd = contract("odd", { take: method(1, { input: schemaThat<string>(validate) }) });
      const { app, server } = await contractPair(t, odd, { take: () => assert.fail("it ran") });
      const told = nextEvent<[Error]>(server.endpoint, "error");
      const error = await rejection(app.take("x"));
      assert.ok(isError(error, odd.take, "ERR_INVALID_INPUT"));
      assert.deepEqual(error.data, [{ message: "the schema failed on it", path: [] }]);
      assert.ok((await told)[0].cause !== undefined);
    });
  }

  test("has the caller's own schema refuse the answer", async (t) => {
    const one = contract("odd", { get: method(1, { output: z.string() }) });
    const other = contract("odd", {
      get: method(1, {
        output: schemaThat<string>(() => {
          throw new Error("inner words");
        }),
      }),
    });
    const { server } = await contractPair(t, one, { get: () => "x" });
    const app = await connectTo(t, server, other);
    const error = await rejection(app.get());
    assert.ok(isError(error, other.get, "ERR_INVALID_OUTPUT"));
    assert.equal((error.cause as Error).message, "inner words");
  });
});

test("many long issues are sent as far as a failure has room", async (t) => {
  const path = Array.from({ length: 1_000 }, () => ({ key: "\u0002".repeat(1_000) }));
  const issue = { message: "\u0001".repeat(10_000), path };
  const verbose = schemaThat<string>(() => ({ issues: Array.from({ length: 10_000 }, () => issue) }));
  const odd = contract("odd", { take: method(1, { input: verbose }) });
  const { app } = await contractPair(t, odd, { take: () => undefined });
  const error = await rejection(app.take("x"));
  assert.ok(isError(error, odd.take, "ERR_INVALID_INPUT"));
  assert.ok(error.data.length >= 1 && error.data.length <= 32, `${error.data.length}`);
  assert.equal(error.data[0]?.message.length, 256);
  assert.equal(error.data[0]?.path.length, 16);
});

test("paths keep numbers and names, of symbols and of objects with keys too", async (t) => {
  const path = ["list", 0, { key: "inner" }, { key: 1 }, Symbol("s")];
  const odd = contract("odd", {
    take: method(1, { input: schemaThat(() => ({ issues: [{ message: "m", path }] })) }),
  });
  const { app } = await contractPair(t, odd, { take: () => undefined });
  const error = await rejection(app.take("x"));
  assert.deepEqual(error.data, [{ message: "m", path: ["list", 0, "inner", 1, "Symbol(s)"] }]);
});

test("a client may implement what its server calls, and both may at once", async (t) => {
  const upper = contract("upper", { upper: method(1, { input: z.string(), output: z.string() }) });
  const lower = contract("lower", { lower: method(1, { input: z.string(), output: z.string() }) });
  const name = freshName();
  const server = await startServer(name, offer(lower, upper));
  t.after(() => server.close());
  const answers = new Promise<string[]>((resolve, reject) => {
    server.on("connection", (connection) => {
      implement(connection, lower, { lower: (text) => `${text.toLowerCase()} ${connection.id}` });
      bind(connection, upper)
        .then((peer) => Promise.all([peer.upper("abc"), peer.upper("def")]))
        .then(resolve, reject);
    });
  });
  const client = createClient(name, offer(upper, lower));
  t.after(() => client.close());
  implement(client, upper, {
    upper: (text, { connection }) => `${text.toUpperCase()} ${connection.endpoint === client}`,
  });
  const app = await bind(client, lower);
  assert.equal(await app.lower("ABC"), "abc 1");
  assert.deepEqual(await answers, ["ABC true", "DEF true"]);
});

test("a connection's own implementation takes the place of the server's", async (t) => {
  const who = contract("who", { who: method(1, { output: z.string() }) });
  const { app, server } = await contractPair(t, who, { who: () => "the server" });
  const [connection] = server.endpoint.connections;
  assert.ok(connection !== undefined);
  const own = implement(connection, who, { who: () => "the connection" });
  assert.equal(await app.who(), "the connection");
  own.stop();
  own.stop();
  assert.equal(await app.who(), "the server");
});

test("an implementation that is stopped answers no more, and can be made again", async (t) => {
  const who = contract("who", { who: method(1, { output: z.string() }) });
  const name = freshName();
  const server = await startServer(name, offer(who));
  t.after(() => server.close());
  const first = implement(server, who, { who: () => "first" });
  const app = await connectTo(t, { endpoint: server }, who);
  assert.equal(await app.who(), "first");
  first.stop();
  const error = await rejection(app.who());
  assert.ok(error instanceof RemoteError);
  assert.equal(error.code, "ERR_NO_HANDLER");
  implement(server, who, { who: () => "second" });
  assert.equal(await app.who(), "second");
});

test("a contract that is bound already is the same again, also while that is under way, and anew after a failure", async (t) => {
  const who = contract("who", { who: method(1, { output: z.string() }) });
  const { app } = await contractPair(t, who, { who: () => "the server" });
  assert.equal(await bind(app.endpoint, who), app);
  const client = createClient(app.endpoint.name, { retryDelayMs: 5 });
  t.after(() => client.close());
  const aborted = bind(client, who, { signal: AbortSignal.abort(new Error("enough")) });
  await assert.rejects(aborted, { message: "enough" });
  const [one, other] = await Promise.all([bind(client, who), bind(client, who)]);
  assert.equal(one, other);
  assert.equal(await one.who(), "the server");
});

describe("what collides", () => {
  const one = contract("one", { a: method(1), b: method(2) });
  const two = contract("two", { c: method(3), d: method(2) });
  const handlers = { a() {}, b() {}, c() {}, d() {} };

  test("is refused as a whole when a second contract is implemented with a number of the first", async (t) => {
    const server = await startServer(freshName());
    t.after(() => server.close());
    implement(server, one, handlers);
    assert.throws(() => implement(server, two, handlers), {
      code: "ERR_INVALID_ARGUMENT",
      message:
        /^"d" of contract "two" and "b" of contract "one" are both method 2 that this end handles here$/,
    });
    assert.throws(() => implement(server, one, handlers), { code: "ERR_INVALID_ARGUMENT" });
    server.handle(3, () => "not taken by the contract that was refused");
  });

  test("is refused when a second contract is called with a number of the first", async (t) => {
    const { app } = await contractPair(t, one, handlers);
    await assert.rejects(bind(app.endpoint, two), { code: "ERR_INVALID_ARGUMENT" });
    const again = contract("one again", { b: method(2) });
    await assert.rejects(bind(app.endpoint, again), { code: "ERR_INVALID_ARGUMENT" });
  });

  test("is refused if the program handles that number itself", async (t) => {
    const server = await startServer(freshName());
    t.after(() => server.close());
    server.handle(2, () => "mine");
    assert.throws(() => implement(server, one, handlers), { code: "ERR_INVALID_ARGUMENT" });
    server.handle(1, () => "given back");
  });

  test("nothing does if a handler is missing, as then nothing is implemented", async (t) => {
    const server = await startServer(freshName());
    t.after(() => server.close());
    assert.throws(() => implement(server, one, { a() {} } as never), {
      code: "ERR_INVALID_ARGUMENT",
      message: 'there is no handler for "b"',
    });
    implement(server, one, handlers);
  });
});
