import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { type ConnectionStream, type LostSession, Stream } from "sealpipe";
import { connectedPair, freshServer } from "../../support/endpoints.ts";
import { connectThroughRelay } from "../../support/relay.ts";
import { nextEvent, record, until } from "../../support/waiting.ts";

const timeout = 60_000;
const never = (): Promise<void> => new Promise(() => {});

const shown = ({ streams }: LostSession) => streams.map(({ type, text }) => `${type} ${text}`);

describe("the session-lost event", { timeout }, () => {
  test("has the streams that were open at either end, and none that was over", async (t) => {
    const server = await freshServer(t, { resumeWindowMs: 1 });
    const { client, connection, relay } = await connectThroughRelay(t, server);
    const handled: Stream[] = [];
    for (const end of [client, connection]) {
      end.handleStream(1, (stream: Stream) => {
        handled.push(stream);
        return never();
      });
      end.handleStream(2, () => Promise.resolve());
    }
    const own = await client.openStream(1, "the client's");
    await until(() => handled.length === 1);
    const other = await connection.openStream(1, "the server's");
    const over = await client.openStream(2, "over");
    over.end();
    assert.equal(await over.read(), undefined);
    await until(() => handled.length === 2);
    await handled[0]?.write("has arrived");
    await connection.flush();
    const atClient = nextEvent<[LostSession]>(client, "session-lost");
    const atServer = nextEvent<[LostSession]>(connection, "session-lost");
    relay.hold();
    relay.cut();
    const [there] = await atServer;
    relay.release();
    const [here] = await atClient;
    assert.deepEqual(shown(here), ["1 the client's", "1 the server's"]);
    assert.deepEqual(shown(there), ["1 the client's", "1 the server's"]);
    assert.deepEqual(
      [here, there].flatMap(({ messages }) => messages),
      [],
    );
    assert.equal(here.streams[0], own);
    assert.equal(there.streams[1], other);
    assert.equal((there.streams[0] as ConnectionStream).connection, connection);
    assert.equal((await own.read())?.text, "has arrived");
    await assert.rejects(own.read(), { code: "ERR_SESSION_LOST" });
  });

  test("comes if the server closes in order with a stream open, and not without one", async (t) => {
    for (const [type, expected] of [
      [1, [["1 open"]]],
      [2, []],
    ] as const) {
      const { client, server, connection } = await connectedPair(t, { client: { retryDelayMs: 60_000 } });
      server.handleStream(1, never);
      server.handleStream(2, () => Promise.resolve());
      const told = record<LostSession>(client, "session-lost");
      const stream = await client.openStream(type, "open");
      if (type === 2) stream.end();
      else await stream.write("so that it is there");
      await client.flush();
      await until(() => connection.stats().queuedBytes === 0);
      const left = nextEvent(client, "status");
      await server.close();
      await left;
      assert.deepEqual(told.map(shown), expected);
    }
  });
});

describe("what is shown of a stream", { timeout }, () => {
  test("is one line with its type, its state, what waits, and who the peer is", async (t) => {
    const { client, connection } = await connectedPair(t, {
      client: { application: "gui" },
      server: { streamWindowBytes: 65_536 },
    });
    const handled: Stream[] = [];
    connection.handleStream(1, async (stream) => {
      handled.push(stream);
      await never();
    });
    const stream = await client.openStream(1, "payloads are not shown");
    await until(() => handled.length > 0);
    const [there = assert.fail()] = handled;
    const peer = `peer: pid ${process.pid}`;
    assert.equal(inspect(stream), `Stream { type: 1, state: open, queuedBytes: 0, ${peer} }`);
    assert.equal(inspect(there), `ConnectionStream { type: 1, state: open, queuedBytes: 0, ${peer} gui }`);
    await stream.write(new Uint8Array(65_436));
    const room = stream.write("12345");
    stream.end();
    assert.equal(inspect(stream), `Stream { type: 1, state: ended here, queuedBytes: 69, ${peer} }`);
    await there.read();
    await room;
    assert.equal(inspect(stream), `Stream { type: 1, state: ended here, queuedBytes: 0, ${peer} }`);
    await there.read();
    assert.equal(await there.read(), undefined);
    assert.match(inspect(there), /state: ended by the peer/);
    stream.reset();
    assert.equal(inspect(stream), `Stream { type: 1, state: over, queuedBytes: 0, ${peer} }`);
    assert.ok(stream instanceof Stream);
  });
});
