import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, type EndpointStats, type ServerStats, startClient } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientAt, connectedPair, connectTo, freshServer, profiles, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent, until } from "../support/waiting.ts";

const timeout = 60_000;

describe("messages and their bytes", { timeout }, () => {
  for (const { profile, encryption } of profiles) {
    const how = `${profile}, ${encryption ? "sealed" : "in the clear"}`;
    test(`are counted at both ends and at the server (${how})`, async (t) => {
      const { server, client, connection } = await connectedPair(t, {
        server: { profile, encryption },
        client: { profile, encryption },
      });
      await client.write(1, "four");
      await client.write(1, pattern(200_000));
      await connection.write(2, "");
      await server.broadcast(2, "seven b");
      for (const reader of [server, server, client, client]) await reader.read();
      const fromClient = { messages: 2, bytes: 200_004 };
      const fromServer = { messages: 2, bytes: 7 };
      for (const stats of [connection.stats(), server.stats()])
        assert.deepEqual([stats.sent, stats.received], [fromServer, fromClient]);
      assert.deepEqual([client.stats().sent, client.stats().received], [fromClient, fromServer]);
    });
  }

  test("count as unread until they are read, and as queued until the peer has read them", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    await client.write(1, pattern(1_000));
    assert.ok(client.stats().queuedBytes >= 1_000);
    await until(() => connection.stats().received.messages === 1);
    assert.equal(connection.stats().unreadBytes, 1_256);
    assert.equal(server.stats().unreadBytes, 1_256);
    await server.read();
    assert.equal(server.stats().unreadBytes, 0);
    await client.flush();
    assert.equal(client.stats().queuedBytes, 0);
  });

  test("that were written before there was a server are counted once", async (t) => {
    const name = freshName();
    const client = createClient(name);
    t.after(() => client.close());
    client.write(1, "early");
    const server = await serverAt(t, name);
    await server.read();
    assert.deepEqual(client.stats().sent, { messages: 1, bytes: 5 });
  });
});

describe("messages that do not arrive", { timeout }, () => {
  test("are counted as dropped if they are too large for the peer, or it has left", async (t) => {
    const { server, client, connection } = await connectedPair(t, { client: { maxMessageBytes: 1_000 } });
    await connection.write(1, pattern(2_000));
    assert.equal(connection.stats().droppedMessages, 1);
    const closed = nextEvent(connection, "close");
    await client.close();
    await closed;
    connection.write(1, "to nobody");
    assert.equal(connection.stats().droppedMessages, 2);
    assert.equal(connection.stats().sent.messages, 0);
    assert.equal(
      server.stats().droppedMessages,
      1,
      "what is written to a connection that is over is its own",
    );
  });

  test("are counted as dropped if a broadcast skips a slow client", async (t) => {
    const { server, connection } = await connectedPair(t, {
      server: { maxQueuedBytes: 100_000, broadcastGraceMs: 0 },
      client: { maxQueuedBytes: 100_000 },
    });
    while (connection.skippedMessages < 3) server.broadcast(1, pattern(20_000));
    assert.equal(connection.stats().droppedMessages, 3);
    assert.equal(server.stats().droppedMessages, 3);
  });

  test("are counted as dropped if the client is closed before there was a server", async () => {
    const client = createClient(freshName());
    client.write(1, "to nobody");
    await client.close();
    assert.equal(client.stats().droppedMessages, 1);
    assert.equal(client.stats().queuedBytes, 0);
  });

  test("are counted as lost if the server forgot the session", async (t) => {
    const server = await freshServer(t, { resumeWindowMs: 1 });
    const { client, connection, relay } = await connectThroughRelay(t, server);
    await client.write(1, "never read");
    await until(() => connection.stats().received.messages === 1);
    relay.hold();
    const closed = nextEvent(connection, "close");
    const lost = nextEvent(client, "session-lost");
    relay.cut();
    await closed;
    relay.release();
    await lost;
    assert.equal(client.stats().lostMessages, 1);
    assert.deepEqual([client.stats().reconnects, client.stats().resumes], [1, 0]);
  });
});

describe("requests", { timeout }, () => {
  test("are counted by outcome, at the end that asks and at the one that answers", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    const never = new Promise<string>(() => {});
    server.handle(1, () => "answer");
    server.handle(2, () => {
      throw new Error("no");
    });
    server.handle(3, () => never);
    await client.request(1, "");
    assert.ok((client.stats().asked.lastAnswerMs as number) > 0);
    await client.request(1, "");
    await assert.rejects(client.request(2, ""));
    await assert.rejects(client.request(9, ""), { code: "ERR_NO_HANDLER" });
    await assert.rejects(client.request(3, "", { timeoutMs: 1 }), { code: "ERR_REQUEST_TIMEOUT" });
    const controller = new AbortController();
    const aborted = client.request(3, "", { signal: controller.signal });
    controller.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    const lost = assert.rejects(client.request(3, ""), { code: "ERR_CLOSED" });
    assert.equal(client.stats().asked.pending, 1);
    // The one that is asked last is handled last.
    await until(() => connection.stats().handled.running >= 2 && connection.stats().handled.cancelled === 2);
    await until(() => connection.stats().handled.running === 3);
    const closed = nextEvent(connection, "close");
    await client.close();
    await Promise.all([lost, closed]);
    const { lastAnswerMs: _, ...asked } = client.stats().asked;
    assert.deepEqual(asked, { pending: 0, answered: 2, failed: 2, timedOut: 1, aborted: 1, lost: 1 });
    const outcomes = { answered: 2, failed: 2, cancelled: 2, lost: 1 };
    assert.deepEqual(connection.stats().handled, { running: 3, waiting: 0, ...outcomes });
    assert.deepEqual(server.stats().handled, { running: 0, waiting: 0, ...outcomes });
  });

  test("that wait for a handler to be free are counted", async (t) => {
    const { server, client, connection } = await connectedPair(t, { server: { maxConcurrentRequests: 1 } });
    let answer = (_: string): void => {};
    server.handle(1, () => new Promise<string>((resolve) => (answer = resolve)));
    const asked = [client.request(1, ""), client.request(1, "")];
    await until(() => connection.stats().handled.waiting === 1);
    assert.equal(server.stats().handled.running, 1);
    assert.equal(client.stats().asked.pending, 2);
    answer("one");
    await asked[0];
    await until(() => connection.stats().handled.waiting === 0 && connection.stats().handled.running === 1);
    answer("two");
    await asked[1];
  });
});

describe("the connection", { timeout }, () => {
  test("is counted when it is back, and when its session went on", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server);
    const back = nextEvent(client, "status").then(() => nextEvent(client, "status"));
    relay.cut();
    await back;
    await until(() => connection.status === "connected");
    for (const stats of [client.stats(), connection.stats(), server.stats()])
      assert.deepEqual([stats.reconnects, stats.resumes], [1, 1]);
    assert.equal(server.stats().totalConnections, 1);
  });

  test("has a round trip once a ping has come back, and none on the classic wire", async (t) => {
    const often = { keepaliveIntervalMs: 5, keepaliveTimeoutMs: 10_000 };
    const { client } = await connectedPair(t, { client: often });
    assert.equal(client.stats().roundTripMs, undefined);
    await until(() => client.stats().roundTripMs !== undefined);
    const { roundTripMs = 0 } = client.stats();
    assert.ok(roundTripMs > 0 && roundTripMs < 10_000, `${roundTripMs}`);
    const classic = await connectedPair(t, { client: { profile: "classic", ...often } });
    await classic.client.write(1, "");
    await classic.server.read();
    assert.equal(classic.client.stats().roundTripMs, undefined);
  });
});

describe("a server's numbers", { timeout }, () => {
  test("keep what clients did that have left, and lose nothing of those that are there", async (t) => {
    const server = await freshServer(t);
    const one = await connectTo(t, server);
    const two = await connectTo(t, server);
    await one.client.write(1, "one");
    await two.client.write(1, "two2");
    await Promise.all([server.read(), server.read()]);
    const expected = { messages: 2, bytes: 7 };
    assert.deepEqual(server.stats().received, expected);
    assert.equal(server.stats().connections, 2);
    const closed = nextEvent(one.connection, "close");
    await one.client.close();
    await closed;
    assert.deepEqual(server.stats().received, expected);
    assert.deepEqual([server.stats().connections, server.stats().totalConnections], [1, 2]);
    two.connection.destroy();
    assert.deepEqual(server.stats().received, expected);
    await server.close();
    assert.deepEqual(server.stats().received, expected);
    assert.equal(server.stats().connections, 0);
  });

  test("count clients that are turned away", async (t) => {
    const strict = await freshServer(t, { secret: "open sesame" });
    await assert.rejects(startClient(strict.name, { secret: "wrong" }), {
      code: "ERR_AUTHENTICATION_FAILED",
    });
    await until(() => strict.stats().refusedConnections === 1);
    assert.equal(strict.stats().totalConnections, 0);
    // Another server: the place of one that was refused is free only once its transport is gone.
    const full = await freshServer(t, { maxConnections: 1 });
    await clientAt(t, full.name);
    const refused = nextEvent(full, "error");
    await assert.rejects(startClient(full.name, { retry: false }));
    await refused;
    const { connections, totalConnections, refusedConnections } = full.stats();
    assert.deepEqual([connections, totalConnections, refusedConnections], [1, 1, 1]);
  });

  test("are those of the moment, and nobody else's: what is done to them changes nothing", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    const before: (EndpointStats | ServerStats)[] = [client.stats(), connection.stats(), server.stats()];
    await client.write(1, "more");
    await server.read();
    for (const stats of before) {
      assert.equal(stats.received.messages + stats.sent.messages, 0);
      Object.assign(stats.received, { messages: 99 });
      Object.assign(stats.asked, { answered: 99 });
    }
    for (const stats of [client.stats(), connection.stats(), server.stats()]) {
      assert.ok(stats.received.messages <= 1);
      assert.equal(stats.asked.answered, 0);
    }
  });
});
