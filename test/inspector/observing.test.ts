import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { channel } from "node:diagnostics_channel";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { bytes, contract, event, exportContract, method } from "sealpipe/contract";
import { startInspector } from "sealpipe/inspector";
import { msgpack } from "sealpipe/msgpack";
import { clientAt, connectedPair, freshServer } from "../support/endpoints.ts";
import { callOf, type Event, eventsUntil, inspected, linesOf, lineWith } from "../support/inspected.ts";
import { Relay } from "../support/relay.ts";
import { nextEvent, until } from "../support/waiting.ts";

/** One event of that kind on a connection of that side is there. */
function has(kind: string): (events: readonly Event[]) => boolean {
  return (events) => events.some((each) => each.kind === kind);
}

function lines(events: readonly Event[], ...kinds: readonly string[]): string[] {
  return events
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ from, kind, type, bytes, text, base64, code }) =>
      [from, kind, type, bytes, text, base64, code].filter((part) => part !== undefined).join(" "),
    );
}

describe("what the inspector hears", () => {
  test("is each message, request and failure of both ends, with sizes and without a word of their data", async (t) => {
    const parts = await inspected(t);
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ text }) => `${text} answered`);
    server.handle(2, () => {
      throw Object.assign(new Error("secret reason"), { code: "BROKEN" });
    });
    await client.write(5, "secret message");
    await server.read();
    await client.request(1, "secret question");
    await assert.rejects(client.request(2, "secret failure"), { code: "BROKEN" });
    const events = await eventsUntil(parts, (all) => lines(all, "failure").length === 2);
    // Both ends are here: the client tells it first, and the server's connection again.
    assert.deepEqual(lines(events, "message"), ["client message 5 14", "client message 5 14"]);
    assert.deepEqual(lines(events, "request"), [
      ...["client request 1 15", "client request 1 15"],
      ...["client request 2 14", "client request 2 14"],
    ]);
    assert.deepEqual(lines(events, "answer"), ["server answer 24", "server answer 24"]);
    assert.deepEqual(lines(events, "failure"), ["server failure BROKEN", "server failure BROKEN"]);
    assert.equal(JSON.stringify(events).includes("secret"), false);
    for (const { kind, tookMs } of events) {
      if (kind === "answer" || kind === "failure") assert.ok((tookMs as number) >= 0);
    }
  });

  test("is how connections open, break, go on and close", async (t) => {
    const parts = await inspected(t);
    const server = await freshServer(t);
    const relay = await Relay.start(t, server.address);
    const client = await clientAt(t, relay.name, { retryDelayMs: 1, application: "my-app" });
    relay.cut();
    await until(() => client.stats().resumes === 1);
    await client.close();
    await server.close();
    const events = await eventsUntil(parts, has("not-listening"));
    const ofClient = events.filter(({ connection }) => connection === 2).map(({ kind }) => kind);
    const words = ofClient.filter((kind) => !["handshake", "retrying", "connecting"].includes(kind));
    assert.deepEqual(words, ["open", "lost", "resumed", "lost", "close"]);
    assert.deepEqual(
      events
        .filter(({ connection, kind }) => connection === 1 && kind !== "handshake")
        .map(({ kind }) => kind),
      ["listening", "not-listening"],
    );
    const opened = events.filter(({ kind }) => kind === "open").map(({ detail }) => String(detail));
    assert.ok(opened.some((detail) => detail === `native, encrypted, my-app, pid ${process.pid}`));
  });

  test("is, if that is asked for, data as text or base64, and items of streams", async (t) => {
    const parts = await inspected(t, { payloads: true, side: "client", maxPayloadBytes: 20 });
    const { client, server } = await connectedPair(t);
    server.handle(1, () => Uint8Array.of(0xff, 0));
    server.handle(3, () => {
      throw new Error("because of this");
    });
    server.handleStream(2, async (stream) => {
      for await (const { text } of stream) await stream.write(`${text}!`);
    });
    await client.write(5, "hello");
    await client.write(5, "x".repeat(21));
    await client.request(1, "why?");
    await assert.rejects(client.request(3, ""));
    const stream = await client.openStream(2, "log");
    await stream.write("one");
    assert.equal((await stream.read())?.text, "one!");
    stream.end();
    assert.equal(await stream.read(), undefined);
    const events = await eventsUntil(parts, (all) => lines(all, "end").length === 2);
    assert.deepEqual(lines(events, "message"), ["client message 5 5 hello", "client message 5 21"]);
    assert.deepEqual(lines(events, "request", "answer"), [
      "client request 1 4 why?",
      "server answer 2 /wA=",
      "client request 3 0 ",
    ]);
    const failure = events.find(({ kind }) => kind === "failure");
    assert.deepEqual([failure?.["code"], failure?.["message"]], ["ERR_HANDLER_FAILED", "because of this"]);
    assert.deepEqual(lines(events, "stream", "item", "end"), [
      ...["client stream 2 3 log", "client item 3 one", "server item 4 one!"],
      ...["client end", "server end"],
    ]);
    const ids = events.filter(({ kind }) => ["stream", "item", "end"].includes(kind)).map(({ id }) => id);
    assert.equal(new Set(ids).size, 1);
  });

  test("is called what a contract calls it, and decoded by its codec", async (t) => {
    const files = contract(
      "files",
      { open: method(1, { input: bytes }), changed: event(5, bytes) },
      { codec: msgpack },
    );
    const other = contract("other", { shut: method(2) });
    const contracts = [files, exportContract(other)];
    const parts = await inspected(t, { payloads: true, side: "client", contracts });
    const { client } = await connectedPair(t);
    await client.write(5, msgpack.encode({ path: "/tmp", size: 3 }));
    await client.write(5, Uint8Array.of(0xc1));
    await assert.rejects(client.request(2, ""));
    const events = await eventsUntil(parts, has("failure"));
    const [first, second] = events.filter(({ kind }) => kind === "message");
    assert.deepEqual([first?.["name"], first?.["decoded"]], ["files.changed", '{"path":"/tmp","size":3}']);
    assert.deepEqual([second?.["name"], second?.["decoded"]], ["files.changed", undefined]);
    assert.equal(events.find(({ kind }) => kind === "request")?.["name"], "other.shut");
    const hello = await lineWith(parts, "hello");
    assert.deepEqual(hello["members"], [
      { name: "files.open", kind: "method", number: 1 },
      { name: "files.changed", kind: "event", number: 5 },
      { name: "other.shut", kind: "method", number: 2 },
    ]);
  });

  test("becomes the state of each end and of the calls of each type", async (t) => {
    const parts = await inspected(t);
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "");
    for (let asked = 0; asked < 10; asked++) await client.request(1, "");
    await client.write(5, "waits");
    await until(() => server.stats().unreadBytes > 0);
    const state = await lineWith(parts, "state", ({ ends }) => (ends as unknown[]).length === 3);
    const ends = (state["ends"] as Event[]).map(({ kind, status, profile, encrypted, peer, stats }) => {
      const { sent, received, unreadBytes } = stats as Record<string, unknown>;
      return {
        kind,
        status,
        profile,
        encrypted,
        peer: String(peer).includes(`pid ${process.pid}`),
        sent,
        received,
        unreadBytes,
      };
    });
    const none = { messages: 0, bytes: 0 };
    const five = { messages: 1, bytes: 5 };
    const open = { status: "connected", profile: "native", encrypted: true, peer: true };
    assert.deepEqual(
      ends.find(({ kind }) => kind === "client"),
      {
        ...{ kind: "client", ...open },
        ...{ sent: five, received: none, unreadBytes: 0 },
      },
    );
    assert.deepEqual(
      ends.find(({ kind }) => kind === "connection"),
      {
        ...{ kind: "connection", ...open },
        ...{ sent: none, received: five, unreadBytes: 261 },
      },
    );
    assert.equal(ends.find(({ kind }) => kind === "server")?.status, "listening");
    const calls = state["calls"] as Record<string, unknown>[];
    assert.deepEqual(
      calls.map(({ kind, type, done, failed, running }) => [kind, type, done, failed, running]),
      [
        ["request", 1, 10, 0, 0],
        ["handler", 1, 10, 0, 0],
      ],
    );
    for (const { p50Ms, p99Ms, maxMs, histogram } of calls as Record<string, number | [number, number][]>[]) {
      assert.ok(
        (p50Ms as number) > 0 &&
          (p50Ms as number) <= (p99Ms as number) &&
          (p99Ms as number) <= (maxMs as number),
      );
      const counted = (histogram as [number, number][]).reduce((sum, [, count]) => sum + count, 0);
      assert.equal(counted, 10);
    }
  });

  test("becomes a sample of each second", async (t) => {
    const parts = await inspected(t, { side: "client" });
    const { client, server } = await connectedPair(t);
    server.handle(1, () => "");
    await client.request(1, "");
    await client.write(5, "hello");
    const { samples } = await lineWith(parts, "samples");
    const [{ sent, sentBytes, received, calls, failed, open }] = samples as [Record<string, number>];
    assert.deepEqual(
      { sent, sentBytes, received, calls, failed, open },
      {
        ...{ sent: 1, sentBytes: 5, received: 0 },
        ...{ calls: 1, failed: 0, open: 1 },
      },
    );
  });
});

describe("a page of the inspector", () => {
  test("that does not read loses events, learns how many, and gets the rest in order", async (t) => {
    const parts = await inspected(t, { maxEvents: 500, side: "client" });
    const { client, server } = await connectedPair(t);
    server.on("message", () => {});
    const { stream } = await callOf(parts, "/events");
    stream.pause();
    // More than the system's buffers for a socket take.
    const written = 60_000;
    for (let done = 0; done < written; done++) {
      await client.write(1 + done, "");
      if (done % 500 === 499) await pause(1);
    }
    await client.write(77_777, "");
    const types: number[] = [];
    let dropped = 0;
    let rest = "";
    for await (const chunk of stream.setEncoding("utf8")) {
      const all = `${rest}${chunk}`.split("\n");
      rest = all.pop() ?? "";
      for (const line of all.map((text) => JSON.parse(text))) {
        if (line.line === "dropped") dropped += line.count;
        for (const { kind, type } of line.events ?? []) if (kind === "message") types.push(type);
      }
      if (types.at(-1) === 77_777) break;
    }
    assert.ok(dropped > 0, "nothing was dropped");
    assert.ok(
      types.length < written && types.every((type, at) => at === 0 || type > (types[at - 1] as number)),
    );
    // Besides messages there are the events of the connection's beginning, and of a queue that is full.
    assert.ok(types.length + dropped >= written + 1);
  });

  test("gets what had happened before it was opened, as far as that is kept", async (t) => {
    const parts = await inspected(t, { maxEvents: 3, side: "client" });
    const { client } = await connectedPair(t);
    for (const type of [1, 2, 3, 4, 5]) await client.write(type, "");
    for await (const line of linesOf(parts)) {
      assert.notEqual(line.line, "dropped");
      if (line.line !== "events") continue;
      assert.deepEqual(
        (line["events"] as Event[]).map(({ type }) => type),
        [3, 4, 5],
      );
      return;
    }
  });

  test("gets a recording of what is kept", async (t) => {
    const parts = await inspected(t, { payloads: true, side: "client", title: "my-app" });
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    await client.request(1, "why?");
    await client.close();
    const [head, ...records] = (await (await callOf(parts, "/recording")).text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual([head.sealpipe, head.name], ["recording/1", "my-app"]);
    assert.deepEqual(
      records.map(({ ms, connection, ...rest }) => rest),
      [
        { from: "client", kind: "open" },
        { from: "client", kind: "request", id: 1, type: 1, bytes: 4, text: "why?" },
        { from: "server", kind: "answer", id: 1, bytes: 4, text: "WHY?" },
        { from: "client", kind: "close" },
      ],
    );
  });

  test("sends a message and a request in the process's name, if that is asked for", async (t) => {
    const parts = await inspected(t, { allowSend: true, side: "client", payloads: true });
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const send = async (order: object) => {
      const { status, text } = await callOf(parts, "/send", JSON.stringify(order));
      return { status, ...JSON.parse(await text()) };
    };
    const connection = 1;
    assert.deepEqual(await send({ connection, kind: "message", type: 5, base64: "aGVsbG8=" }), {
      status: 200,
      done: "sent",
    });
    assert.equal((await server.read()).text, "hello");
    const { tookMs, ...answered } = await send({ connection, kind: "request", type: 1, text: "why?" });
    assert.deepEqual(answered, { status: 200, done: "answered", bytes: 4, text: "WHY?" });
    assert.ok(tookMs >= 0);
    const failed = await send({ connection, kind: "request", type: 2, text: "" });
    assert.deepEqual([failed.done, failed.code], ["failed", "ERR_NO_HANDLER"]);
    assert.equal((await send({ connection: 9, kind: "message", type: 5, text: "" })).status, 404);
    const wrong = [
      ...[{}, { connection: "1" }, { connection, kind: "stream", type: 1, text: "" }, []],
      ...[0, 4_294_967_296, 1.5, "5"].map((type) => ({ connection, kind: "message", type, text: "" })),
      ...[{ text: 5 }, { text: "", base64: "" }, {}].map((data) => ({
        connection,
        kind: "message",
        type: 5,
        ...data,
      })),
    ];
    for (const order of wrong) assert.equal((await send(order)).status, 400, JSON.stringify(order));
    assert.equal((await callOf(parts, "/send", "{")).status, 400);
    assert.equal(client.status, "connected");
  });
});

describe("startInspector", () => {
  test("takes no option that is none, and no value that is none", async () => {
    const wrong: readonly object[] = [
      ...[{ token: "x" }, { port: 1 }, { payloads: "yes" }, { allowSend: 1 }, { title: "" }, { title: 5 }],
      ...[
        { title: "x".repeat(201) },
        { side: "both" },
        { maxEvents: 0 },
        { maxEvents: 1.5 },
        { maxEvents: "5" },
      ],
      ...[
        { maxEvents: 1_000_001 },
        { maxBytes: 65_535 },
        { maxPayloadBytes: -1 },
        { maxPayloadBytes: 16_777_217 },
      ],
      ...[{ contracts: {} }, { contracts: [{}] }, { contracts: [null] }, []],
    ];
    for (const options of wrong)
      await assert.rejects(startInspector(options), { code: "ERR_INVALID_OPTION" }, JSON.stringify(options));
    for (const options of [null, 5, "options"])
      await assert.rejects(startInspector(options as never), { code: "ERR_INVALID_OPTION" });
  });

  test("reads its own options alone", async (t) => {
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    const names = ["payloads", "allowSend", "side", "maxEvents"];
    for (const name of names) polluted[name] = name === "side" ? "client" : true;
    t.after(() => {
      for (const name of names) delete polluted[name];
    });
    const parts = await inspected(t);
    const hello = await lineWith(parts, "hello");
    for (const name of names) delete polluted[name];
    assert.deepEqual([hello["payloads"], hello["allowSend"]], [false, false]);
  });

  test("hears and serves nothing any more once it is closed, however often", async () => {
    const inspector = await startInspector({ payloads: true });
    const { port } = new URL(inspector.url);
    assert.equal(channel("sealpipe:message:sent").hasSubscribers, true);
    await Promise.all([inspector.close(), inspector.close()]);
    await inspector[Symbol.asyncDispose]();
    for (const name of ["sealpipe:message:sent", "sealpipe:data", "tracing:sealpipe:request:start"])
      assert.equal(channel(name).hasSubscribers, false, name);
    const [error] = await nextEvent<[NodeJS.ErrnoException]>(connect(Number(port), "127.0.0.1"), "error");
    assert.equal(error.code, "ECONNREFUSED");
  });

  test("does not keep a process alive, also while a page listens", () => {
    const program = `import { request } from "node:http";
import { startInspector } from "sealpipe/inspector";
const { origin, port, hash } = new URL((await startInspector()).url);
const headers = { Origin: origin, Authorization: "Bearer " + hash.slice(1) };
const asked = request({ port, host: "127.0.0.1", path: "/events", method: "POST", headers });
await new Promise((resolve) => asked.end().on("response", (response) => response.once("data", resolve)));
asked.socket.unref();
console.log("done");`;
    const { stdout, status, signal } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", program],
      { encoding: "utf8", timeout: 20_000 },
    );
    assert.deepEqual([stdout, status, signal], ["done\n", 0, null]);
  });
});
