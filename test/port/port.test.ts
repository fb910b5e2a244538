import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { connect, serve } from "sealpipe/contract";
import { type BridgeOptions, bridgePort, openPort, PortError, type PortLike } from "sealpipe/port";
import { freshName } from "../support/names.ts";
import { notes } from "../support/notes-contract.ts";
import { isSettled, turns, until } from "../support/waiting.ts";

type Name = Exclude<keyof typeof notes, symbol>;
const allow: readonly Name[] = ["add", "hang", "count", "shout", "changed", "touched"];

/** A daemon, a process that is connected to it, and a port to that. */
async function started(t: TestContext, options: Partial<BridgeOptions<Name>> = {}) {
  const heard: string[] = [];
  const aborted: unknown[] = [];
  const counted: number[] = [];
  const server = await serve(freshName(), notes, {
    add: (text, { fail }) => (text === "full" ? fail("FULL", 99) : text.length),
    hang: async (_, { signal }) => {
      await once(signal, "abort");
      aborted.push(signal.reason);
    },
    async *count(upTo, { signal }) {
      signal.addEventListener("abort", () => aborted.push(signal.reason));
      for (let number = 1; number <= upTo; number++) {
        counted.push(number);
        yield number;
      }
    },
    async *shout(_, { items }) {
      for await (const text of items) yield text.toUpperCase();
    },
    secret: () => "a secret",
    picture: () => ({ at: "here" }),
  });
  server.on.touched((text) => heard.push(text));
  const app = await connect(server.endpoint.name, notes);
  const { port1, port2 } = new MessageChannel();
  const bridge = bridgePort(port1, app, notes, { allow, ...options });
  t.after(async () => {
    bridge.close();
    await app.close();
    await server.close();
  });
  return { server, app, bridge, port: port2, heard, aborted, counted };
}

const opened = (port: MessagePort) => openPort<typeof notes>(port);

describe("a contract through a port", { timeout: 60_000 }, () => {
  test("has calls, with their answers and errors", async (t) => {
    const { port } = await started(t);
    const page = await opened(port);
    assert.equal(await page.add("four"), 4);
    const failed = page.add("full");
    await assert.rejects(failed, (error: PortError) => {
      assert.ok(error instanceof PortError);
      assert.deepEqual([error.code, error.data], ["FULL", 99]);
      return true;
    });
    await assert.rejects(page.add(5 as never as string), { code: "ERR_INVALID_INPUT" });
    assert.equal(page.has("add"), true);
    page.close();
  });

  test("has events both ways, and a listener can be removed", async (t) => {
    const { port, server, heard } = await started(t);
    const page = await opened(port);
    const told: string[] = [];
    const stop = page.on.changed((text) => told.push(text));
    page.emit.touched("a");
    await until(() => heard.length === 1);
    await server.emit.changed("b");
    await until(() => told.length === 1);
    stop();
    await page.add("in order, after the removal");
    await server.emit.changed("c");
    await page.add("in order, after the event");
    assert.deepEqual([heard, told], [["a"], ["b"]]);
    page.close();
  });

  test("has streams both ways, item by item, to their end", async (t) => {
    const { port } = await started(t);
    const page = await opened(port);
    const numbers: number[] = [];
    for await (const number of page.count(100)) numbers.push(number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    const shouting = page.shout();
    const answers: string[] = [];
    const reading = (async () => {
      for await (const text of shouting) answers.push(text);
    })();
    for (let index = 0; index < 100; index++) await shouting.write(`n${index}`);
    shouting.end();
    await reading;
    assert.equal(answers.length, 100);
    assert.equal(answers.at(-1), "N99");
    await assert.rejects(shouting.write("late"), { code: "ERR_CLOSED" });
    page.close();
  });

  test("holds a stream up until the page takes its items", async (t) => {
    const { port, counted } = await started(t);
    const page = await opened(port);
    const numbers = page.count(1_000_000);
    assert.equal(await numbers.read(), 1);
    for (let index = 2; index <= 200; index++) assert.equal(await numbers.read(), index);
    await page.add("x");
    // The daemon's own window, of 512 KiB, is far larger than that of the port.
    assert.ok(counted.length < 100_000, `${counted.length}`);
    numbers.reset();
    await assert.rejects(numbers.read(), { code: "ERR_STREAM_RESET" });
    page.close();
  });

  test("stops a stream when the page leaves its loop", async (t) => {
    const { port, aborted } = await started(t);
    const page = await opened(port);
    for await (const number of page.count(1_000_000)) if (number === 3) break;
    await until(() => aborted.length === 1);
    page.close();
  });

  test("cancels a call at the daemon when its signal aborts", async (t) => {
    const { port, aborted } = await started(t);
    const page = await opened(port);
    const controller = new AbortController();
    const hanging = page.hang(undefined, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(hanging, { message: "enough" });
    await until(() => aborted.length === 1);
    await assert.rejects(page.hang(undefined, { signal: AbortSignal.abort(new Error("before")) }), {
      message: "before",
    });
    page.close();
  });

  test("works from another thread, whose end cancels what it has under way", async (t) => {
    const { bridge, port, aborted } = await started(t);
    const file = new URL("../support/children/page.js", import.meta.url);
    const worker = new Worker(file, { workerData: port, transferList: [port] });
    assert.deepEqual(await once(worker, "message"), [5]);
    await worker.terminate();
    await until(() => aborted.length === 2 && bridge.signal.aborted);
    assert.equal(bridge.error, undefined);
  });
});

/** Two ends as a browser's, which tells neither that the other one is gone. */
function untoldPorts(): [PortLike, PortLike] {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2].map((port) => ({
    postMessage: (message: unknown) => port.postMessage(message),
    // The other end would be told.
    close: () => port.unref(),
    on: (type: string, listener: (event: { data: unknown }) => void) =>
      type === "message" && port.on("message", (data) => listener({ data })),
  })) as unknown as [PortLike, PortLike];
}

describe("an end that closes, where the platform does not tell the other end", { timeout: 60_000 }, () => {
  test("tells the bridge, which cancels what is under way", async (t) => {
    const { app, aborted } = await started(t);
    const [one, other] = untoldPorts();
    const bridge = bridgePort(one, app, notes, { allow });
    const page = await openPort<typeof notes>(other);
    const hanging = page.hang();
    await page.add("in order, after that");
    page.close();
    await assert.rejects(hanging, { code: "ERR_CONNECTION_LOST" });
    await until(() => aborted.length === 1 && bridge.signal.aborted);
    assert.equal(bridge.error, undefined);
  });

  test("tells the page, whose calls fail", async (t) => {
    const { app } = await started(t);
    const [one, other] = untoldPorts();
    const bridge = bridgePort(one, app, notes, { allow });
    const page = await openPort<typeof notes>(other);
    const hanging = page.hang();
    bridge.close();
    await assert.rejects(hanging, { code: "ERR_CONNECTION_LOST" });
    assert.ok(page.signal.aborted);
  });

  test("has told a bridge that comes to the port only later", async (t) => {
    const { app } = await started(t);
    const [one, other] = untoldPorts();
    const waiting = openPort<typeof notes>(other, { signal: AbortSignal.abort(new Error("enough")) });
    await assert.rejects(waiting, { message: "enough" });
    const bridge = bridgePort(one, app, notes, { allow });
    await until(() => bridge.signal.aborted);
  });
});

describe("the page's end", { timeout: 60_000 }, () => {
  test("fails all that is under way when the bridge closes", async (t) => {
    const { port, bridge, aborted } = await started(t);
    const page = await opened(port);
    const hanging = page.hang();
    const stream = page.shout();
    const reading = stream.read();
    await page.add("in order, after these");
    bridge.close();
    await assert.rejects(hanging, { code: "ERR_CONNECTION_LOST" });
    await assert.rejects(reading, { code: "ERR_CONNECTION_LOST" });
    await assert.rejects(page.add("x"), { code: "ERR_CONNECTION_LOST" });
    assert.ok(page.signal.aborted);
    await until(() => aborted.length === 1);
  });

  test("waits for the bridge, and gives up with its signal or the port", async () => {
    const { port1, port2 } = new MessageChannel();
    const controller = new AbortController();
    const waiting = openPort(port2, { signal: controller.signal });
    assert.equal(await isSettled(waiting), false);
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
    port1.close();
    const another = new MessageChannel();
    const waitingToo = openPort(another.port2);
    another.port1.close();
    await assert.rejects(waitingToo, { code: "ERR_CONNECTION_LOST" });
  });

  test("refuses a bridge of another version", async () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(["hello", 2, {}]);
    await assert.rejects(openPort(port2), { code: "ERR_VERSION_MISMATCH" });
    port1.close();
  });
});

describe("a hostile page", { timeout: 60_000 }, () => {
  test("gets nothing that is not allowed", async (t) => {
    const { port } = await started(t);
    const page = await opened(port);
    assert.equal(page.has("secret"), false);
    assert.equal((page as { secret?: unknown }).secret, undefined);
    const answers = page as unknown as Record<string, unknown>;
    assert.equal(answers["constructor"], Object);
    for (const name of ["secret", "constructor", "toString", "__proto__", "close", "emit", "endpoint"]) {
      const { port1, port2 } = new MessageChannel();
      const { app } = await started(t);
      const bridge = bridgePort(port1, app, notes, { allow: ["add"] });
      const said: unknown[] = [];
      port2.on("message", (frame) => said.push(frame));
      port2.postMessage(["call", 1, name, undefined]);
      port2.postMessage(["open", 2, name, undefined]);
      await until(() => said.length === 3);
      assert.deepEqual(
        said.slice(1).map((frame) => (frame as [string, number, PortError])[2].code),
        ["ERR_NOT_ALLOWED", "ERR_NOT_ALLOWED"],
        name,
      );
      bridge.close();
      port2.close();
    }
    page.close();
  });

  for (const [what, frames] of [
    ["no list", [5]],
    ["null", [null]],
    ["an empty list", [[]]],
    ["an unknown word", [["hello", 1]]],
    ["a word that every object has", [["constructor", 1]]],
    ["an id that is none", [["call", "1", "add", "x"]]],
    ["a call without an input", [["call", 1, "add"]]],
    ["a name that is none", [["call", 1, {}, "x"]]],
    [
      "an id twice",
      [
        ["call", 1, "hang", undefined],
        ["call", 1, "hang", undefined],
      ],
    ],
    [
      "a credit of 0",
      [
        ["open", 1, "count", 5],
        ["credit", 1, 0],
      ],
    ],
    [
      "a credit that is none",
      [
        ["open", 1, "count", 5],
        ["credit", 1, Number.POSITIVE_INFINITY],
      ],
    ],
    ["an event that it may not send", [["emit", "changed", "x"]]],
    ["an event that it may not hear", [["listen", "touched"]]],
    ["a listener of a method", [["listen", "add"]]],
    ["more than that it closes", [["close", 1]]],
    [
      "more items than it has credit for",
      [["open", 1, "shout", undefined], ...Array(100).fill(["item", 1, "x".repeat(65_536)])],
    ],
  ] as const) {
    test(`that sends ${what} loses its port, and harms no other`, async (t) => {
      const { app, bridge, port } = await started(t);
      const other = new MessageChannel();
      const otherBridge = bridgePort(other.port1, app, notes, { allow });
      const page = await opened(other.port2);
      const closed = once(port, "close");
      port.on("message", () => {});
      for (const frame of frames) port.postMessage(frame);
      await closed;
      assert.ok(bridge.error instanceof Error);
      assert.equal(await page.add("fine"), 4);
      otherBridge.close();
    });
  }

  test("that does not take its events loses its port, once 16384 are under way", async (t) => {
    const { bridge, port, server } = await started(t);
    port.postMessage(["listen", "changed"]);
    port.on("message", () => {});
    for (let index = 0; index < 20_000 && !bridge.signal.aborted; index++) await server.emit.changed("x");
    await until(() => bridge.signal.aborted);
    assert.match(bridge.error?.message ?? "", /has not taken 16384 events/);
  });

  test("has no more under way than it may", async (t) => {
    const { port } = await started(t, { maxConcurrent: 2 });
    const page = await opened(port);
    const hanging = [page.hang(), page.hang()];
    await assert.rejects(page.hang(), { code: "ERR_QUEUE_FULL" });
    page.close();
    for (const call of hanging) await assert.rejects(call, { code: "ERR_CONNECTION_LOST" });
  });
});

describe("what is under way", { timeout: 60_000 }, () => {
  /** The frames that a page gets which does not say anything by itself. */
  async function frames(t: TestContext) {
    const all = await started(t);
    const said: unknown[][] = [];
    all.port.on("message", (frame) => said.push(frame as unknown[]));
    await until(() => said.length === 1);
    return { ...all, said, counts: (word: string) => said.filter(([first]) => first === word).length };
  }

  test("is at most 16 items of a stream, until the page has room for more", async (t) => {
    const { port, counts } = await frames(t);
    port.postMessage(["open", 1, "count", 1_000]);
    await until(() => counts("item") === 16);
    await turns(100);
    assert.equal(counts("item"), 16);
    port.postMessage(["credit", 1, 5]);
    await until(() => counts("item") === 21);
    await turns(100);
    assert.equal(counts("item"), 21);
    port.close();
  });

  test("is never more, whatever credit a page gives: that closes its port", async (t) => {
    const { port, counts, bridge } = await frames(t);
    port.postMessage(["open", 1, "count", 1_000]);
    await until(() => counts("item") === 16);
    port.postMessage(["credit", 1, 17]);
    await until(() => bridge.signal.aborted);
    assert.match(bridge.error?.message ?? "", /more credit/);
    assert.equal(counts("item"), 16);
  });

  test("is at most 16 items that a page writes, until the bridge has room for more", async () => {
    const { port1, port2 } = new MessageChannel();
    const written: unknown[] = [];
    port1.on("message", (frame: unknown[]) => frame[0] === "item" && written.push(frame));
    port1.postMessage(["hello", 1, { shout: "duplex" }]);
    const stream = (await opened(port2)).shout();
    const writing = Promise.all(Array.from({ length: 20 }, (_, index) => stream.write(`n${index}`)));
    await until(() => written.length === 16);
    assert.equal(await isSettled(writing), false);
    assert.equal(written.length, 16);
    port1.postMessage(["credit", 1, 4]);
    await writing;
    await until(() => written.length === 20);
    port1.close();
  });

  test("are at most 16384 events, of which a page that takes them gets any number", async (t) => {
    const { port, server } = await started(t);
    const page = await opened(port);
    let told = 0;
    page.on.changed(() => {
      told += 1;
    });
    await page.add("in order, after the listener");
    for (let sent = 0; sent < 20_000; ) {
      for (const end = sent + 2_000; sent < end; sent++) await server.emit.changed("x");
      await until(() => told === sent);
    }
    page.close();
  });
});

describe("options of ports", { timeout: 60_000 }, () => {
  test("of a bridge are checked, and are its own alone", async (t) => {
    const { app } = await started(t);
    const { port1 } = new MessageChannel();
    const wrong: unknown[] = [
      undefined,
      null,
      5,
      {},
      { allow: "add" },
      ...["nothing", "toString", "__proto__", Symbol.iterator, 5].map((name) => ({ allow: [name] })),
      ...[0, -1, 1.5, "5", Number.NaN, Number.POSITIVE_INFINITY, null].map((maxConcurrent) => ({
        allow: ["add"],
        maxConcurrent,
      })),
      { allow: ["add"], maxConcurent: 5 },
      Object.create({ allow: ["add"] }),
    ];
    for (const options of wrong)
      assert.throws(() => bridgePort(port1, app, notes, options as BridgeOptions<Name>), {
        name: options === undefined || options === null ? /Error$/ : "PortError",
        code: "ERR_INVALID_OPTION",
      });
    port1.close();
  });

  test("of a page are checked, too", async () => {
    const { port1, port2 } = new MessageChannel();
    for (const options of [null, 5, { signal: 5 }, { timeoutMs: 5 }])
      await assert.rejects(openPort(port2, options as never), { code: "ERR_INVALID_OPTION" });
    port1.close();
  });

  test("are not read from what a program has put into Object.prototype", async (t) => {
    const { app } = await started(t);
    const pollution = { maxConcurrent: 1, allow: ["secret"] };
    t.after(() => {
      for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name);
    });
    for (const [name, value] of Object.entries(pollution))
      Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: false });
    const { port1, port2 } = new MessageChannel();
    const bridge = bridgePort(port1, app, notes, { allow });
    const page = await opened(port2);
    const calls = [page.hang(), page.hang()];
    assert.equal(await page.add("four"), 4);
    assert.equal(page.has("secret"), false);
    assert.throws(() => bridgePort(port1, app, notes, {} as never), { code: "ERR_INVALID_OPTION" });
    bridge.close();
    for (const call of calls) await assert.rejects(call, { code: "ERR_CONNECTION_LOST" });
  });
});
