import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startClient, startServer } from "sealpipe";
import { bind, bytes, connect, contract, event, implement, method, offer, serve } from "sealpipe/contract";
import { z } from "zod";
import { anything, connectTo, contractPair, schemaThat } from "../support/contracts.ts";
import { freshName } from "../support/names.ts";
import { nextEvent, record, turns, until } from "../support/waiting.ts";

const news = contract("news", {
  progress: event(1, z.object({ done: z.number(), of: z.number().default(10) })),
  selected: event(2, z.string(), { direction: "from-caller" }),
  chat: event(3, z.string(), { direction: "both" }),
  stopped: event(4),
  image: event(5, bytes),
  mark: method(6),
});

describe("an event", () => {
  test("goes from the server to all clients, or to one, as the schema makes it", async (t) => {
    const { app, server } = await contractPair(t, news, {
      mark: (_, { connection }) => connection.emit.progress({ done: 7 }),
    });
    const other = await connectTo(t, server, news);
    const seen: unknown[][] = [[], []];
    app.on.progress((data) => seen[0]?.push(data));
    other.on.progress((data) => seen[1]?.push(data));
    await server.emit.progress({ done: 1 });
    await app.mark();
    await server.emit.progress({ done: 2, of: 3 });
    await until(() => seen[0]?.length === 3 && seen[1]?.length === 2);
    assert.deepEqual(seen[0], [
      { done: 1, of: 10 },
      { done: 7, of: 10 },
      { done: 2, of: 3 },
    ]);
    assert.deepEqual(seen[1], [
      { done: 1, of: 10 },
      { done: 2, of: 3 },
    ]);
  });

  test("goes from a client to the server, which hears who sent it", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    const heard = new Promise<unknown[]>((resolve) => {
      server.on.selected((text, { connection }) => {
        connection.emit.chat(`you selected ${text}`);
        resolve([text, connection.endpoint.id]);
      });
    });
    const answered = new Promise<string>((resolve) => app.on.chat(resolve));
    app.emit.selected("a");
    assert.deepEqual(await heard, ["a", 1]);
    assert.equal(await answered, "you selected a");
  });

  test("can be sent by those whose direction it has, and heard by the others", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    assert.deepEqual(Object.keys(server.emit).sort(), ["chat", "image", "progress", "stopped"]);
    assert.deepEqual(Object.keys(server.on).sort(), ["chat", "selected"]);
    assert.deepEqual(Object.keys(app.emit).sort(), ["chat", "selected"]);
    assert.deepEqual(Object.keys(app.on).sort(), ["chat", "image", "progress", "stopped"]);
  });

  test("may be bytes, and nothing at all", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    const image = new Promise<Uint8Array>((resolve) => app.on.image(resolve));
    const stopped = new Promise<undefined>((resolve) => app.on.stopped(resolve));
    server.emit.image(Uint8Array.of(1, 2));
    server.emit.stopped();
    assert.deepEqual(await image, Uint8Array.of(1, 2));
    assert.equal(await stopped, undefined);
  });

  test("waits until somebody listens for events, and is then in order", async (t) => {
    const name = freshName();
    const server = await serve(name, news, { mark() {} });
    t.after(() => server.close());
    server.endpoint.on("connection", (connection) => {
      for (let type = 0; type < 100; type++) connection.write(1, JSON.stringify({ done: type }));
    });
    const app = await connect(name, news);
    t.after(() => app.close());
    await app.mark();
    await turns();
    const seen: number[] = [];
    app.on.progress(({ done }) => seen.push(done));
    await until(() => seen.length === 100);
    assert.deepEqual(seen, [...Array(100).keys()]);
  });

  test("is heard by each listener until that is removed", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    const seen: string[] = [];
    const listener = (text: string) => void seen.push(text);
    const remove = app.on.chat(listener);
    app.on.chat(listener);
    app.on.chat((text) => void seen.push(`other ${text}`));
    server.emit.chat("a");
    await until(() => seen.length === 3);
    remove();
    remove();
    server.emit.chat("b");
    await until(() => seen.length === 5);
    assert.deepEqual(seen, ["a", "a", "other a", "b", "other b"]);
    assert.throws(() => app.on.chat("no function" as never), { code: "ERR_INVALID_ARGUMENT" });
  });

  test("that the codec has no bytes for is refused where it is sent", async (t) => {
    const odd = contract("odd", { all: event(1, anything, { direction: "both" }) });
    const { app, server } = await contractPair(t, odd, {});
    for (const send of [app.emit.all, server.emit.all]) {
      assert.throws(() => send(5n), {
        code: "ERR_INVALID_ARGUMENT",
        message: /^the event "all" cannot be encoded as json: /,
      });
    }
  });

  test("passes on what broadcast accepts", async (t) => {
    const { server } = await contractPair(t, news, { mark() {} });
    assert.throws(() => server.emit.chat("a", { slow: "no" as never }), { code: "ERR_INVALID_OPTION" });
  });
});

test("an implementation that is stopped hears nothing more, of clients that come later too", async (t) => {
  const name = freshName();
  const server = await startServer(name, offer(news));
  t.after(() => server.close());
  const heard: string[] = [];
  const first = implement(server, news, { mark() {} });
  first.on.selected((text) => void heard.push(`first ${text}`));
  const app = await connect(name, news);
  t.after(() => app.close());
  app.emit.selected("a");
  await until(() => heard.length === 1);
  first.stop();
  const second = implement(server, news, { mark() {} });
  second.on.selected((text) => void heard.push(`second ${text}`));
  app.emit.selected("b");
  const other = await connect(name, news);
  t.after(() => other.close());
  other.emit.selected("c");
  await until(() => heard.length === 3);
  assert.deepEqual(heard.sort(), ["first a", "second b", "second c"]);
});

describe("an event that does not fit", () => {
  const wrong = ["", "5", "no JSON", '{"done":"x"}', '{"done":1,"__proto__":{}}', "[".repeat(5_000)];

  test("is dropped, the first of each kind is reported, and the next event arrives", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    const errors = record<Error & { code: string }>(app.endpoint, "error");
    const seen: number[] = [];
    app.on.progress(({ done }) => seen.push(done));
    for (const text of wrong) server.endpoint.broadcast(1, text);
    server.endpoint.broadcast(3, "5");
    server.emit.progress({ done: 1 });
    await until(() => seen.length === 1);
    assert.deepEqual(
      errors.map(({ code, message }) => `${code} ${message.split(":")[0]}`),
      ['ERR_INVALID_INPUT an event "progress" was dropped', 'ERR_INVALID_INPUT an event "chat" was dropped'],
    );
  });

  test("is reported at a server with the connection, and harms no other", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    const told = nextEvent<[Error, { id: number }]>(server.endpoint, "error");
    const seen: string[] = [];
    server.on.selected((text) => void seen.push(text));
    app.endpoint.write(2, "{}");
    app.emit.selected("a");
    const [error, connection] = await told;
    assert.match(error.message, /^an event "selected" was dropped: /);
    assert.equal(connection.id, 1);
    await until(() => seen.length === 1);
  });

  test("is nobody's business if its type is in no contract: other listeners have it", async (t) => {
    const { app, server } = await contractPair(t, news, { mark() {} });
    app.on.chat(() => {});
    const errors = record(app.endpoint, "error");
    const seen = record<{ type: number }>(app.endpoint, "message");
    server.endpoint.broadcast(77, "other");
    server.endpoint.broadcast(4_294_967_295, "other");
    await until(() => seen.length === 2);
    assert.deepEqual(errors, []);
  });
});

describe("events whose schema takes its time", () => {
  const gates: (() => void)[] = [];
  const patient = schemaThat<number>(async (value) => {
    // It is asked once whether there may be nothing.
    if (value === undefined) return { issues: [] };
    await new Promise<void>((resolve) => gates.push(resolve));
    return { value: value as number };
  });
  const slow = contract("slow", {
    slow: event(1, patient, { direction: "both" }),
    quick: event(2, z.number(), { direction: "both" }),
  });
  const open = async (count: number) => {
    for (let opened = 0; opened < count; opened++) {
      await until(() => gates.length > 0);
      gates.shift()?.();
    }
  };

  test("are in order with those whose schema does not", async (t) => {
    const { app, server } = await contractPair(t, slow, {});
    const seen: number[] = [];
    app.on.slow((value) => seen.push(value));
    app.on.quick((value) => seen.push(value));
    for (let value = 0; value < 10; value++) {
      server.emit[value % 3 === 0 ? "slow" : "quick"](value);
    }
    await turns();
    assert.deepEqual(seen, []);
    assert.equal(gates.length, 1, "no more is taken while one waits");
    await open(4);
    await until(() => seen.length === 10);
    assert.deepEqual(seen, [...Array(10).keys()]);
  });

  test("hold up the sender and not the memory", async (t) => {
    const { app, server } = await contractPair(t, slow, {}, { client: { maxQueuedBytes: 400_000 } });
    let seen = 0;
    app.on.slow(() => (seen += 1));
    let room: Promise<void> | undefined;
    let written = 0;
    for (; written < 100_000 && room === undefined; written++) room = server.emit.slow(written);
    const [connection] = server.endpoint.connections;
    await turns();
    assert.ok((connection?.queuedBytes ?? 0) > 0);
    assert.equal(gates.length, 1);
    gates.shift()?.();
    await until(() => seen === 1 && gates.length === 1);
    app.endpoint.destroy();
    gates.shift()?.();
  });

  test("stay in order if others listen for messages too, up to a number", async (t) => {
    const { app, server } = await contractPair(t, slow, {});
    const others = record(app.endpoint, "message");
    const seen: number[] = [];
    app.on.slow((value) => seen.push(value));
    for (let value = 0; value < 5; value++) await server.emit.slow(value);
    await until(() => others.length === 5);
    await open(5);
    await until(() => seen.length === 5);
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
    for (let value = 0; value < 10_050; value++) await server.emit.slow(value);
    await until(() => app.endpoint.status === "error");
    await assert.rejects(app.endpoint.read(), { code: "ERR_QUEUE_FULL" });
    for (const gate of gates.splice(0)) gate();
  });
});

test("two contracts on one connection that have the same event number are refused, in the same direction", async (t) => {
  const name = freshName();
  const other = contract("other", { told: event(3, z.string(), { direction: "from-caller" }) });
  const reverse = contract("reverse", { shown: event(1, z.string(), { direction: "from-caller" }) });
  const server = await startServer(name, offer(news, other, reverse));
  t.after(() => server.close());
  implement(server, news, { mark() {} });
  assert.throws(() => implement(server, other, {}), {
    message:
      '"told" of contract "other" and "chat" of contract "news" are both event 3 that this end hears here',
  });
  const client = await startClient(name);
  t.after(() => client.close());
  await bind(client, news);
  await assert.rejects(bind(client, other), { message: /are both event 3 that this end sends here$/ });
  const both = await bind(client, reverse);
  assert.deepEqual(Object.keys(both.emit), ["shown"]);
});
