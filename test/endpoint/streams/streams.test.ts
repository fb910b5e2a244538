import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { describe, test } from "node:test";
import { createClient, type Item, RemoteError, type Stream } from "sealpipe";
import type { ItemIterator } from "#dist/endpoint/streams/item-iterator.js";
import { directions } from "../../support/asking.ts";
import { pattern } from "../../support/bytes.ts";
import { clientAt, connectedPair, freshServer, serverAt } from "../../support/endpoints.ts";
import { freshName } from "../../support/names.ts";
import { connectThroughRelay } from "../../support/relay.ts";
import { nextEvent, until } from "../../support/waiting.ts";

const timeout = 60_000;

async function texts(items: AsyncIterable<Item>): Promise<string[]> {
  const all: string[] = [];
  for await (const { text } of items) all.push(text);
  return all;
}

async function echo(stream: Stream): Promise<void> {
  for await (const { data } of stream) await stream.write(data);
}

for (const [direction, connect] of Object.entries(directions)) {
  describe(`streams: ${direction}`, { timeout }, () => {
    test("carry items both ways, in order, with an end of each", async (t) => {
      const { asker, answerer } = await connect(t);
      answerer.handleStream(1, async (stream: Stream) => {
        await stream.write(`opened with ${stream.text}, of type ${stream.type}`);
        for await (const { text } of stream) await stream.write(text.toUpperCase());
        await stream.write("bye");
      });
      const stream = await asker.openStream(1, "a file");
      await stream.write("one");
      await stream.write(Uint8Array.of(0x32));
      stream.end();
      stream.end();
      assert.throws(() => stream.write("late"), { code: "ERR_CLOSED" });
      assert.deepEqual(await texts(stream), ["opened with a file, of type 1", "ONE", "2", "bye"]);
      assert.equal(await stream.read(), undefined);
    });

    test("hold up a writer whose items are not read, and nobody else", async (t) => {
      const { asker, answerer } = await connect(t);
      const held: Stream[] = [];
      answerer.handleStream(1, async (stream: Stream) => {
        held.push(stream);
        await new Promise((resolve) => stream.signal.addEventListener("abort", resolve));
      });
      answerer.handleStream(2, echo);
      const slow = await asker.openStream(1, "");
      let room: Promise<void> | undefined;
      for (let count = 0; room === undefined; count++) {
        assert.ok(count < 10, "a window is a few items");
        room = slow.write(pattern(65_536));
      }
      const other = await asker.openStream(2, "");
      await other.write("through");
      assert.equal((await other.read())?.text, "through");
      await until(() => held.length > 0);
      const [stream] = held as [Stream];
      const first = await stream.read();
      assert.deepEqual(first?.data, pattern(65_536));
      for (let count = 0; count < 3; count++) await stream.read();
      await room;
      slow.reset();
    });

    test("are reset with a code and a message, at either end", async (t) => {
      const { asker, answerer } = await connect(t);
      answerer.handleStream(1, async () => {
        throw Object.assign(new Error("no such file"), { code: "NOT_FOUND" });
      });
      const refused = await asker.openStream(1, "");
      await assert.rejects(texts(refused), (error: RemoteError) => {
        assert.ok(error instanceof RemoteError);
        assert.deepEqual([error.code, error.message], ["NOT_FOUND", "no such file"]);
        return true;
      });
      assert.throws(() => refused.write(""), { code: "NOT_FOUND" });
      assert.equal(refused.signal.aborted, true);
      const ended: unknown[] = [];
      answerer.handleStream(2, (stream: Stream) =>
        texts(stream).then(
          () => {},
          (error) => void ended.push(error.code),
        ),
      );
      const stream = await asker.openStream(2, "");
      await stream.write("one");
      const read = stream.read();
      stream.reset({ code: "CHANGED_MIND" });
      stream.reset();
      const ours = { code: "ERR_CLOSED", fault: "caller" };
      await assert.rejects(read, ours);
      assert.throws(() => stream.write(""), ours);
      await until(() => ended.length > 0);
      assert.deepEqual(ended, ["CHANGED_MIND"]);
    });

    test("end their reader's wish for more, and the writer learns so", async (t) => {
      const { asker, answerer } = await connect(t);
      const outcome: unknown[] = [];
      answerer.handleStream(1, async (stream: Stream) => {
        try {
          for (let count = 0; ; count++) await stream.write(`${count}`);
        } catch (error) {
          outcome.push((error as { code: string }).code);
          throw error;
        }
      });
      const stream = await asker.openStream(1, "");
      for await (const { text } of stream) if (text === "3") break;
      await until(() => outcome.length > 0);
      assert.deepEqual(outcome, ["ERR_STREAM_STOPPED"]);
      assert.equal(stream.signal.aborted, false, "it ended in order");
    });

    test("have iterators that are done once they were left, and end the peer's writing then", async (t) => {
      const { asker, answerer } = await connect(t);
      const outcome: unknown[] = [];
      answerer.handleStream(1, async (stream: Stream) => {
        await stream.write("one");
        stream.signal.addEventListener("abort", () => outcome.push("aborted"));
        while (outcome.length === 0) {
          try {
            await stream.write("more");
          } catch (error) {
            outcome.push((error as { code: string }).code);
          }
        }
      });
      const stream = await asker.openStream(1, "");
      const items = stream[Symbol.asyncIterator]();
      assert.equal((await items.next()).value?.text, "one");
      assert.equal(items[Symbol.asyncIterator](), items);
      await items.return?.();
      assert.deepEqual(await items.next(), { done: true, value: undefined });
      assert.deepEqual(await items.return?.(), { done: true, value: undefined });
      await until(() => outcome.length > 0);
      assert.deepEqual(outcome, ["ERR_STREAM_STOPPED"]);
      await using other = (await asker.openStream(1, ""))[Symbol.asyncIterator]() as ItemIterator;
      assert.equal((await other.next()).value?.text, "one");
    });

    test("that nobody handles are reset", async (t) => {
      const { asker } = await connect(t);
      const stream = await asker.openStream(9, "");
      await assert.rejects(stream.read(), { code: "ERR_NO_HANDLER" });
    });

    test("go through Node's streams and the web's", async (t) => {
      const { asker, answerer } = await connect(t);
      answerer.handleStream(1, echo);
      const data = randomBytes(1_000_000);
      const sent = (await asker.openStream(1, "")).toDuplex();
      const [echoed] = await Promise.all([buffer(sent), pipeline(Readable.from(chunks(data)), sent)]);
      assert.equal(hash(echoed), hash(data));
      const { readable, writable } = (await asker.openStream(1, "")).toWeb();
      const writer = writable.getWriter();
      await writer.write(Uint8Array.of(1, 2));
      await writer.close();
      assert.deepEqual(await buffer(readable), Buffer.of(1, 2));
    });

    test("that are reset harm nobody who does not listen to their duplex, and reach those who do", async (t) => {
      const { asker, answerer } = await connect(t);
      const handled: Stream[] = [];
      answerer.handleStream(1, async (stream: Stream) => {
        handled.push(stream);
        await new Promise((resolve) => stream.signal.addEventListener("abort", resolve));
      });
      const [unheard, heard, destroyed] = await Promise.all([1, 2, 3].map(() => asker.openStream(1, "")));
      assert.ok(unheard && heard && destroyed);
      await until(() => handled.length === 3);
      const closed = new Promise((resolve) => unheard.toDuplex().resume().on("close", resolve));
      const failed = assert.rejects(buffer(heard.toDuplex()), { code: "GONE" });
      for (const stream of handled.slice(0, 2)) stream.reset({ code: "GONE" });
      await Promise.all([closed, failed]);
      const third = handled[2] ?? assert.fail();
      destroyed.toDuplex().destroy();
      await assert.rejects(third.read(), { code: "ERR_STREAM_RESET" });
    });

    test("wait for their handlers while earlier ones go on and on, unless they are reset meanwhile", async (t) => {
      const { asker, answerer } = await connect(t, {
        server: { maxConcurrentStreams: 1 },
        client: { maxConcurrentStreams: 1 },
      });
      const handled: { text: string; end: () => void }[] = [];
      answerer.handleStream(1, ({ text }) => new Promise((resolve) => handled.push({ text, end: resolve })));
      (await asker.openStream(1, "reset while it is handled")).reset();
      await until(() => handled.length === 1);
      for (let count = 0; count < 100; count++) {
        (await asker.openStream(1, "reset while it waits")).reset();
      }
      const waiting = await asker.openStream(1, "waits");
      await waiting.write("kept");
      await asker.flush();
      assert.equal(handled.length, 1);
      handled[0]?.end();
      await until(() => handled.length === 2);
      assert.equal(handled[1]?.text, "waits");
      handled[1]?.end();
      assert.equal(await waiting.read(), undefined);
      (await asker.openStream(1, "the next")).reset();
      await until(() => handled.length === 3);
      for (const { end } of handled) end();
    });

    test("keep no more than maxQueuedBytes of what a writer does not wait for", async (t) => {
      const options = { maxQueuedBytes: 1_000_000 };
      const { asker, answerer } = await connect(t, { server: options, client: options });
      answerer.handleStream(
        1,
        (stream: Stream) =>
          new Promise((resolve) => stream.signal.addEventListener("abort", () => resolve())),
      );
      const stream = await asker.openStream(1, "");
      assert.throws(
        () => {
          for (let count = 0; count < 100; count++) void stream.write(pattern(65_536));
        },
        { code: "ERR_QUEUE_FULL" },
      );
      stream.reset();
    });

    test("are reset if their signal aborts, also while they wait to be opened", async (t) => {
      const { asker, answerer } = await connect(t, {
        server: { maxConcurrentStreams: 1 },
        client: { maxConcurrentStreams: 1 },
      });
      const errors: unknown[] = [];
      answerer.handleStream(1, (stream: Stream) =>
        texts(stream).then(
          () => {},
          (error) => void errors.push(error.code),
        ),
      );
      const stop = new AbortController();
      const stream = await asker.openStream(1, "", { signal: stop.signal });
      const never = new AbortController();
      const waiting = asker.openStream(1, "", { signal: never.signal });
      const next = asker.openStream(1, "next");
      never.abort(new Error("never mind"));
      await assert.rejects(waiting, /never mind/);
      const read = stream.read();
      stop.abort(new Error("enough"));
      await assert.rejects(read, /enough/);
      await until(() => errors.length > 0);
      assert.deepEqual(errors, ["ERR_STREAM_RESET"]);
      assert.equal((await next).text, "next");
      await assert.rejects(asker.openStream(1, "", { signal: stop.signal }), /enough/);
    });

    test("take what they are given, and refuse what is wrong with it", async (t) => {
      const { asker, answerer } = await connect(t);
      answerer.handleStream(1, echo);
      assert.throws(() => answerer.handleStream(1, echo), { code: "ERR_INVALID_ARGUMENT" });
      assert.throws(() => answerer.handleStream(0, echo), { code: "ERR_RESERVED_TYPE" });
      await assert.rejects(asker.openStream(0, ""), { code: "ERR_RESERVED_TYPE" });
      await assert.rejects(asker.openStream(1, 5 as never), { code: "ERR_INVALID_ARGUMENT" });
      await assert.rejects(asker.openStream(1, "", { signal: 1 as never }), { code: "ERR_INVALID_OPTION" });
      const stream = await asker.openStream(1, "");
      assert.throws(() => stream.write({} as never), { code: "ERR_INVALID_ARGUMENT" });
      assert.throws(() => stream.write(new Uint8Array(4_000_000)), { code: "ERR_MESSAGE_TOO_LARGE" });
      await assert.rejects(stream.read({ timeoutMs: 1 }), { code: "ERR_READ_TIMEOUT" });
      await stream.write("and goes on");
      assert.equal((await stream.read())?.text, "and goes on");
    });
  });
}

describe("streams and their session", { timeout }, () => {
  test("of a client that is not connected yet wait for the server", async (t) => {
    const name = freshName();
    const connecting = clientAt(t, name);
    const server = await serverAt(t, name);
    server.handleStream(1, echo);
    const client = await connecting;
    const stream = await client.openStream(1, "");
    await stream.write("there");
    assert.equal((await stream.read())?.text, "there");
  });

  test("end with it", async (t) => {
    const { client, server, connection } = await connectedPair(t, { client: { retryDelayMs: 10 } });
    server.handleStream(1, () => new Promise(() => {}));
    const stream = await client.openStream(1, "");
    const read = stream.read();
    connection.destroy();
    await assert.rejects(read, { code: "ERR_SESSION_LOST" });
    const closing = await client.openStream(1, "");
    const left = closing.read();
    await client.close();
    await assert.rejects(left, { code: "ERR_CLOSED" });
    await assert.rejects(client.openStream(1, ""), { code: "ERR_CLOSED" });
  });

  test("keep what had arrived, and an end that had come before", async (t) => {
    const { client, server, connection } = await connectedPair(t);
    const handled: Stream[] = [];
    server.handleStream(1, (stream) => {
      handled.push(stream);
      return new Promise(() => {});
    });
    const whole = await client.openStream(1, "whole");
    const cut = await client.openStream(1, "cut");
    for (const stream of [whole, cut]) await stream.write("arrived");
    whole.end();
    await client.flush();
    // What was written before an orderly close arrives, as messages do.
    await client.close();
    await until(() => connection.status !== "connected");
    const [atWhole = assert.fail(), atCut = assert.fail()] = handled;
    assert.deepEqual(await texts(atWhole), ["arrived"]);
    assert.equal((await atCut.read())?.text, "arrived");
    await assert.rejects(atCut.read(), ({ code }: { code: string }) =>
      ["ERR_CLOSED", "ERR_SESSION_LOST"].includes(code),
    );
    assert.throws(() => atWhole.write("late"));
  });

  test("count what waits for a client that is away, and end with the connection that is given up for it", async (t) => {
    const server = await freshServer(t, { maxDetachedBytes: 500_000 });
    const { relay, client, connection } = await connectThroughRelay(t, server);
    client.handleStream(1, () => new Promise(() => {}));
    const stream = await connection.openStream(1, "");
    while (stream.write(pattern(65_536)) === undefined);
    await connection.flush();
    const lost = nextEvent(connection, "status");
    relay.hold();
    relay.cut();
    await lost;
    let wait: Promise<void> | undefined;
    for (let count = 0; connection.status === "reconnecting"; count++) {
      assert.ok(count < 10, "it is given up");
      wait = stream.write(pattern(65_536));
    }
    await wait;
    assert.throws(() => stream.write(""), { code: "ERR_CONNECTION_LOST" });
  });

  test("are not opened without a connection if nothing is to wait for one", async (t) => {
    const client = createClient(freshName(), { offlineQueue: false });
    t.after(() => client.close());
    await assert.rejects(client.openStream(1, ""), { code: "ERR_NOT_CONNECTED" });
  });

  test("are not there with a classic peer", async (t) => {
    const server = await freshServer(t, { profile: "classic" });
    const client = await clientAt(t, server.name);
    await assert.rejects(client.openStream(1, ""), { code: "ERR_PEER_NOT_NATIVE" });
  });

  test("are known by the connection that they belong to", async (t) => {
    const { client, server, connection } = await connectedPair(t);
    const seen: unknown[] = [];
    server.handleStream(1, async (stream) => void seen.push(stream.connection));
    await texts(await client.openStream(1, ""));
    assert.deepEqual(seen, [connection]);
  });
});

function* chunks(data: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < data.length; start += 65_536) yield data.subarray(start, start + 65_536);
}

function hash(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
