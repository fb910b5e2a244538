import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { describe, type TestContext, test } from "node:test";
import { startClient, startServer, type TracedCall } from "sealpipe";
import { channels } from "#dist/endpoint/diagnostics.js";
import { clientAt, connectedPair, freshServer, serverAt } from "../../support/endpoints.ts";
import { freshName } from "../../support/names.ts";
import { Relay } from "../../support/relay.ts";
import { until } from "../../support/waiting.ts";

type Event = Readonly<Record<string, unknown>>;

/** Everything that is published to these channels until the test is over. */
function watched(t: TestContext, ...names: readonly string[]): { name: string; event: Event }[] {
  const events: { name: string; event: Event }[] = [];
  for (const name of names) {
    const listener = (event: unknown): void => void events.push({ name, event: event as Event });
    subscribe(name, listener);
    t.after(() => unsubscribe(name, listener));
  }
  return events;
}

/** The parts of a tracing channel, in order, with their payloads. */
function traced(t: TestContext, name: string): { part: string; call: TracedCall }[] {
  const parts: { part: string; call: TracedCall }[] = [];
  for (const part of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
    const listener = (call: unknown): void => void parts.push({ part, call: call as TracedCall });
    subscribe(`tracing:${name}:${part}`, listener);
    t.after(() => unsubscribe(`tracing:${name}:${part}`, listener));
  }
  return parts;
}

describe("the channels of a connection's life", () => {
  test("tell of its listening, handshake, opening and end, on both sides", async (t) => {
    const names = Object.values(channels).map(({ name }) => String(name));
    const events = watched(t, ...names.filter((name) => name !== "sealpipe:queue"));
    const server = await startServer(freshName(), { application: "my-daemon" });
    const client = await startClient(server.name, { application: "my-app" });
    await client.write(5, "hello");
    await server.read();
    await client.close();
    await server.close();
    const words = (side: string): string[] =>
      events
        .filter(({ event }) => event["side"] === side)
        .map(({ name, event }) => [name.slice("sealpipe:".length), event["step"]].filter(Boolean).join(" "));
    assert.deepEqual(
      words("client").filter((word) => !word.startsWith("handshake")),
      ["connecting", "open", "message:sent", "lost", "closed"],
    );
    assert.deepEqual(
      words("client").filter((word) => word.startsWith("handshake")),
      [
        "handshake client-awaits-server-key",
        "handshake client-awaits-maximum-size",
        "handshake client-awaits-native-hello",
        "handshake open",
      ],
    );
    assert.deepEqual(
      words("server").filter((word) => !word.startsWith("handshake")),
      ["listening", "open", "message:received", "lost", "closed", "closed"],
    );
    const open = events.find(
      ({ name, event }) => name === "sealpipe:open" && event["side"] === "client",
    )?.event;
    assert.equal(open?.["endpoint"], client);
    assert.deepEqual([open?.["profile"], open?.["encrypted"]], ["native", true]);
    const { application } = Object(open?.["peer"]);
    assert.equal(application, "my-daemon");
    const sent = events.find(({ name }) => name === "sealpipe:message:sent")?.event;
    assert.deepEqual([sent?.["type"], sent?.["bytes"]], [5, 5]);
    const times = events.filter(({ event }) => "ms" in event).map(({ event }) => event["ms"] as number);
    assert.ok(times.every((ms) => ms >= 0));
  });

  test("tell of a client that is refused, and why", async (t) => {
    const events = watched(t, "sealpipe:refused", "sealpipe:open");
    const server = await startServer(freshName(), { secret: "the secret of the server" });
    t.after(() => server.close());
    await assert.rejects(startClient(server.name, { secret: "the secret of nobody", retry: false }));
    await until(() => events.length > 0);
    assert.deepEqual(
      events.map(({ name, event }) => [name, (event["error"] as { code: string }).code, event["endpoint"]]),
      [["sealpipe:refused", "ERR_AUTHENTICATION_FAILED", server]],
    );
  });

  test("tell of a connection that is lost and resumed", async (t) => {
    const events = watched(
      t,
      "sealpipe:lost",
      "sealpipe:resumed",
      "sealpipe:retrying",
      "sealpipe:session-lost",
    );
    const server = await freshServer(t);
    const relay = await Relay.start(t, server.address);
    const client = await clientAt(t, relay.name, { retryDelayMs: 1 });
    relay.cut();
    const resumed = (): number => events.filter(({ name }) => name === "sealpipe:resumed").length;
    await until(() => resumed() === 2);
    const words = events.filter(({ event }) => event["endpoint"] === client).map(({ name }) => name);
    assert.deepEqual([words[0], words.at(-1)], ["sealpipe:lost", "sealpipe:resumed"]);
    assert.equal(words.includes("sealpipe:session-lost"), false);
    assert.ok(events.some(({ name, event }) => name === "sealpipe:resumed" && event["side"] === "server"));
  });

  test("tell of a session that is lost, and what with it", async (t) => {
    const events = watched(t, "sealpipe:session-lost", "sealpipe:resumed");
    const name = freshName();
    const server = await startServer(name);
    const client = await clientAt(t, name, { retryDelayMs: 1 });
    server.on("connection", (connection) => void connection[Symbol.asyncIterator]());
    server.handleStream(1, () => new Promise(() => {}));
    await client.openStream(1, "");
    await client.write(1, "never read");
    await until(() => server.connections[0]?.stats().received.messages === 1);
    server.destroy();
    await serverAt(t, name);
    await until(() => events.length > 0);
    const [{ name: channelName, event }] = events as [{ name: string; event: Event }];
    assert.equal(channelName, "sealpipe:session-lost");
    assert.deepEqual([event["endpoint"], event["messages"], event["streams"]], [client, 1, 1]);
  });

  test("tell when writers have to wait, and when no more", async (t) => {
    const events = watched(t, "sealpipe:queue");
    const { client, server } = await connectedPair(t, { client: { maxQueuedBytes: 100_000 } });
    const room = client.write(1, new Uint8Array(90_000));
    assert.notEqual(room, undefined);
    for await (const _ of server) break;
    await room;
    assert.deepEqual(
      events.map(({ event }) => event["isFull"]),
      [true, false],
    );
    assert.equal(events[0]?.event["endpoint"], client);
    assert.ok((events[0]?.event["queuedBytes"] as number) >= 90_000);
  });

  test("tell when a stream has no credit, and when it has again", async (t) => {
    const events = watched(t, "sealpipe:window");
    const { client, server } = await connectedPair(t, { server: { streamWindowBytes: 65_536 } });
    server.handleStream(1, async (stream) => {
      for await (const _ of stream);
    });
    const stream = await client.openStream(1, "");
    for (let count = 0; count < 4; count++) await stream.write(new Uint8Array(60_000));
    stream.end();
    const told = events
      .filter(({ event }) => event["endpoint"] === client)
      .map(({ event }) => event["isFull"]);
    assert.deepEqual(told.slice(0, 2), [true, false]);
  });
});

describe("the traces of requests and streams", () => {
  test("have one payload from start to end, with sizes and without data", async (t) => {
    const [asked, handled] = [traced(t, "sealpipe:request"), traced(t, "sealpipe:handler")];
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ text }) => `${text}!`);
    assert.equal((await client.request(1, "hello")).text, "hello!");
    for (const parts of [asked, handled]) {
      assert.deepEqual(
        parts.map(({ part }) => part),
        ["start", "end", "asyncStart", "asyncEnd"],
      );
      assert.equal(new Set(parts.map(({ call }) => call)).size, 1);
      const { type, bytes, answerBytes, error } = Object(parts[0]?.call);
      assert.deepEqual([type, bytes, answerBytes, error], [1, 5, 6, undefined]);
    }
    assert.deepEqual([asked[0]?.call.endpoint, handled[0]?.call.endpoint], [client, server.connections[0]]);
  });

  test("tell of failures, at both ends", async (t) => {
    const [asked, handled] = [traced(t, "sealpipe:request"), traced(t, "sealpipe:handler")];
    const { client, server } = await connectedPair(t);
    server.handle(1, () => {
      throw Object.assign(new Error("broken"), { code: "BROKEN" });
    });
    await assert.rejects(client.request(1, ""), { code: "BROKEN" });
    await assert.rejects(client.request(0, ""), { code: "ERR_RESERVED_TYPE" });
    for (const parts of [asked, handled]) {
      const [first] = parts.filter(({ part }) => part === "error");
      assert.equal(Object(first?.call.error).code, "BROKEN");
    }
    assert.equal(asked.filter(({ part }) => part === "asyncEnd").length, 2);
  });

  test("carry a context that a subscriber sets to the peer, unless there is one", async (t) => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const other = "00-11111111111111111111111111111111-2222222222222222-01";
    const set = (call: unknown): void => {
      (call as TracedCall).context ??= { traceparent };
    };
    for (const name of ["sealpipe:request", "sealpipe:stream"]) {
      subscribe(`tracing:${name}:start`, set);
      t.after(() => unsubscribe(`tracing:${name}:start`, set));
    }
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ context }) => context?.traceparent);
    server.handleStream(1, async (stream) => void stream.write(`${stream.context?.traceparent}`));
    assert.equal((await client.request(1, "")).text, traceparent);
    assert.equal((await client.request(1, "", { context: { traceparent: other } })).text, other);
    assert.equal((await (await client.openStream(1, "")).read())?.text, traceparent);
  });

  test("run a handler in the stores that are bound to its start", async (t) => {
    const store = new AsyncLocalStorage<number>();
    const { start } = tracingChannel<unknown, TracedCall>("sealpipe:handler");
    start.bindStore(store, (call) => (call as TracedCall).type * 100);
    t.after(() => start.unbindStore(store));
    const { client, server } = await connectedPair(t);
    server.handle(7, async () => {
      await Promise.resolve();
      return `${store.getStore()}`;
    });
    assert.equal((await client.request(7, "")).text, "700");
  });

  test("of a stream last until it is over, at the one that opened it", async (t) => {
    const [opened, handled] = [traced(t, "sealpipe:stream"), traced(t, "sealpipe:stream-handler")];
    const { client, server } = await connectedPair(t);
    server.handleStream(1, async (stream) => {
      for await (const _ of stream);
    });
    const stream = await client.openStream(1, "abc");
    assert.deepEqual(
      opened.map(({ part }) => part),
      ["start"],
    );
    stream.end();
    assert.equal(await stream.read(), undefined);
    assert.deepEqual(
      opened.map(({ part }) => part),
      ["start", "asyncStart", "asyncEnd"],
    );
    assert.deepEqual([opened[0]?.call.bytes, opened[0]?.call.error], [3, undefined]);
    await until(() => handled.some(({ part }) => part === "asyncEnd"));
    const unhandled = await client.openStream(2, "");
    await assert.rejects(unhandled.read(), { code: "ERR_NO_HANDLER" });
    const failure = opened.find(({ part, call }) => part === "error" && call.type === 2);
    assert.equal(Object(failure?.call.error).code, "ERR_NO_HANDLER");
  });

  test("are not made without a subscriber", async (t) => {
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "");
    for (const one of Object.values(channels)) assert.equal(one.hasSubscribers, false, String(one.name));
    t.mock.method(Object.getPrototypeOf(channel("sealpipe:test-of-none")), "publish", () => {
      throw new Error("published");
    });
    await client.request(1, "");
    await client.write(1, "");
  });
});

describe("the channel of data", () => {
  test("has those of messages, requests, answers, streams and items, and is the only one that has", async (t) => {
    const events = watched(t, "sealpipe:data", "sealpipe:message:sent", "sealpipe:message:received");
    traced(t, "sealpipe:request");
    traced(t, "sealpipe:handler");
    traced(t, "sealpipe:stream");
    traced(t, "sealpipe:stream-handler");
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "answer");
    server.handleStream(2, async (stream) => {
      for await (const { text } of stream) await stream.write(`${text}!`);
    });
    await client.write(5, "message");
    await server.read();
    await client.request(1, "question");
    const stream = await client.openStream(2, "opening");
    await stream.write("item");
    await stream.read();
    const words = (side: string): string[] =>
      events
        .filter(({ name, event }) => name === "sealpipe:data" && Object(event["of"]).side === side)
        .map(({ event: { kind, isSent, data } }) =>
          [
            kind,
            isSent ? "sent" : "received",
            typeof data === "string" ? data : Buffer.from(data as Uint8Array),
          ].join(" "),
        );
    assert.deepEqual(words("client"), [
      ...["message sent message", "request sent question", "answer received answer"],
      ...["stream sent opening", "item sent item", "item received item!"],
    ]);
    assert.deepEqual(words("server"), [
      ...["message received message", "request received question", "answer sent answer"],
      ...["stream received opening", "item received item", "item sent item!"],
    ]);
    const { of } = events.find(({ event }) => event["kind"] === "message")?.event ?? {};
    assert.equal(of, events.find(({ name }) => name === "sealpipe:message:sent")?.event);
    const others = events.filter(({ name }) => name !== "sealpipe:data");
    for (const { event } of others)
      assert.deepEqual(Object.keys(event), ["side", "endpoint", "type", "bytes"]);
  });
});
