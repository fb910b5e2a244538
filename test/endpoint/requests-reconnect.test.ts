import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Client, type Connection, createClient, type LostSession, type SealpipeError } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { pattern } from "../support/bytes.ts";
import { startServerProcess } from "../support/children.ts";
import { clientAt, connectedPair, freshServer, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { connectThroughRelay, Relay } from "../support/relay.ts";
import { isSettled, nextEvent, record, until } from "../support/waiting.ts";

const timeout = 60_000;

/** A handler that counts what it is asked, and answers when it is let. */
function counting(): {
  handler(request: { text: string }): Promise<string>;
  asked: string[];
  answer(): void;
} {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  let open = false;
  return {
    asked,
    handler({ text }) {
      asked.push(text);
      const answer = `answer to ${text}`;
      return open ? Promise.resolve(answer) : new Promise((resolve) => waiting.push(() => resolve(answer)));
    },
    answer() {
      open = true;
      for (const go of waiting.splice(0)) go();
    },
  };
}

const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
const answers = texts.map((text) => `answer to ${text}`);

async function answersOf(end: Client | Connection): Promise<string[]> {
  return Promise.all(texts.map(async (text) => (await end.request(1, text)).text));
}

describe("requests in flight when the connection is cut", { timeout }, () => {
  test("are answered once each by handlers that were at work, in both directions", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server);
    const [atServer, atClient] = [counting(), counting()];
    connection.handle(1, atServer.handler);
    client.handle(1, atClient.handler);
    const asked = [answersOf(client), answersOf(connection)];
    await until(() => atServer.asked.length === 20 && atClient.asked.length === 20);
    const lost = nextEvent<[SealpipeError]>(client, "error");
    relay.cut();
    assert.equal((await lost)[0].code, "ERR_CONNECTION_LOST");
    // Answered while there is no connection.
    atServer.answer();
    atClient.answer();
    assert.deepEqual(await Promise.all(asked), [answers, answers]);
    assert.deepEqual([atServer.asked, atClient.asked], [texts, texts]);
    assert.deepEqual(server.connections, [connection]);
  });

  test("are asked once each if they, or their answers, were held up on the way", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server);
    const [atServer, atClient] = [counting(), counting()];
    connection.handle(1, atServer.handler);
    client.handle(1, atClient.handler);
    atServer.answer();
    atClient.answer();
    relay.hold();
    const large = client.request(1, "x".repeat(500_000));
    const asked = [answersOf(client), answersOf(connection)];
    assert.equal(await isSettled(asked[0]), false);
    const lost = nextEvent(client, "error");
    relay.cut();
    await lost;
    relay.release();
    assert.deepEqual(await Promise.all(asked), [answers, answers]);
    assert.equal((await large).data.length, "answer to ".length + 500_000);
    assert.deepEqual(atClient.asked, texts);
    assert.equal(atServer.asked.length, 21);
  });

  test("time out and are aborted while there is no connection, and the handlers hear of it after", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server);
    let aborted = 0;
    let started = 0;
    connection.handle(1, ({ signal }) => {
      started += 1;
      signal.addEventListener("abort", () => {
        aborted += 1;
      });
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const outcomes = [
      outcomeOf(client.request(1, "", { signal: abort.signal })),
      outcomeOf(client.request(1, "", { timeoutMs: 100 })),
    ];
    await until(() => started === 2);
    relay.hold();
    const lost = nextEvent(client, "error");
    relay.cut();
    await lost;
    abort.abort(new Error("enough"));
    assert.deepEqual(await Promise.all(outcomes), ["enough", "ERR_REQUEST_TIMEOUT"]);
    assert.equal(aborted, 0);
    relay.release();
    await until(() => aborted === 2);
    // What was asked and given up meanwhile is not handled at all.
  });

  test("of a client that does not come back are rejected when the server gives it up", async (t) => {
    const server = await freshServer(t, { resumeWindowMs: 100 });
    const { client, connection, relay } = await connectThroughRelay(t, server);
    client.handle(1, () => new Promise(() => {}));
    const outcome = outcomeOf(connection.request(1, "in flight"));
    const closed = nextEvent(connection, "close");
    const failed = nextEvent<[SealpipeError, Connection]>(server, "error");
    relay.hold();
    relay.cut();
    assert.equal((await failed)[0].code, "ERR_CONNECTION_LOST");
    assert.equal(await outcome, "ERR_CONNECTION_LOST");
    await closed;
    relay.release();
  });
});

describe("requests when the server is killed and started again", { timeout }, () => {
  test("reject with ERR_SESSION_LOST if they may have been handled; the others go out", async (t) => {
    const name = freshName();
    const child = await startServerProcess(name, { requests: "never" });
    const client = await clientAt(t, name);
    const lost = nextEvent<[LostSession]>(client, "session-lost");
    const failed = nextEvent(client, "error");
    const mayBeHandled = [1, 2, 3].map(() => outcomeOf(client.request(1, "handled")));
    await child.until(({ event }) => event === "request");
    await child.kill();
    await failed;
    const unsent = [1, 2, 3].map((number) => client.request(1, `unsent ${number}`));
    const abort = new AbortController();
    const aborted = outcomeOf(client.request(1, "aborted", { signal: abort.signal }));
    abort.abort(new Error("enough"));
    assert.equal(await aborted, "enough");
    const server = await serverAt(t, name);
    const seen: string[] = [];
    server.handle(1, ({ text }) => {
      seen.push(text);
      return `answer to ${text}`;
    });
    assert.deepEqual(await Promise.all(mayBeHandled), Array(3).fill("ERR_SESSION_LOST"));
    const texts = (await Promise.all(unsent)).map(({ text }) => text);
    assert.deepEqual(
      texts,
      [1, 2, 3].map((number) => `answer to unsent ${number}`),
    );
    assert.deepEqual((await lost)[0].messages, []);
    await client.request(1, "last");
    // What was aborted before it was sent is not sent.
    assert.deepEqual(seen, ["unsent 1", "unsent 2", "unsent 3", "last"]);
  });

  test("tell which messages may not have arrived, and go on", async (t) => {
    const name = freshName();
    const child = await startServerProcess(name, { requests: "never", unread: true });
    const client = await clientAt(t, name);
    await client.write(7, "on its way");
    const outcome = outcomeOf(client.request(1, "in flight"));
    await child.until(({ event }) => event === "request");
    const lost = nextEvent<[LostSession]>(client, "session-lost");
    const flushed = outcomeOf(client.flush());
    await child.kill();
    const server = await serverAt(t, name);
    const [{ messages }] = await lost;
    assert.deepEqual(
      messages.map(({ type, text }) => [type, text]),
      [[7, "on its way"]],
    );
    assert.deepEqual([await outcome, await flushed], ["ERR_SESSION_LOST", "ERR_SESSION_LOST"]);
    server.handle(1, () => "back");
    assert.equal((await client.request(1, "")).text, "back");
  });
});

describe("requests before there is a server", { timeout }, () => {
  test("wait for it, and the client's handlers are there for its first one", async (t) => {
    const name = freshName();
    const client = createClient(name, { retryDelayMs: 5 });
    t.after(() => client.close());
    client.handle(2, ({ text }) => `the client says ${text}`);
    const answer = client.request(1, "early");
    const server = await serverAt(t, name);
    server.handle(1, ({ text }) => `the server says ${text}`);
    const [connection] = await nextEvent<[Connection]>(server, "connection");
    assert.equal((await connection.request(2, "hello")).text, "the client says hello");
    assert.equal((await answer).text, "the server says early");
  });

  test("are rejected with offlineQueue off, then and while it reconnects", async (t) => {
    const server = await freshServer(t);
    server.handle(1, () => "here");
    const relay = await Relay.start(t, server.address);
    const client = createClient(relay.name, { offlineQueue: false, retryDelayMs: 5 });
    t.after(() => client.close());
    assert.equal(await outcomeOf(client.request(1, "")), "ERR_NOT_CONNECTED");
    await nextEvent(client, "status");
    assert.equal((await client.request(1, "")).text, "here");
    relay.hold();
    const lost = nextEvent(client, "error");
    relay.cut();
    await lost;
    assert.equal(await outcomeOf(client.request(1, "")), "ERR_NOT_CONNECTED");
    relay.release();
    await until(() => client.status === "connected");
    assert.equal((await client.request(1, "")).text, "here");
  });

  test("are bounded by maxQueuedBytes, and rejected past it", async (t) => {
    const name = freshName();
    const client = createClient(name, { maxQueuedBytes: 100_000, retryDelayMs: 5 });
    t.after(() => client.close());
    const accepted: Promise<{ text: string }>[] = [];
    const refusals = record<unknown>(client, "nothing");
    for (let count = 0; count < 200; count++) {
      const asked = client.request(1, "x".repeat(1_000));
      accepted.push(asked);
      asked.catch((error) => refusals.push(error.code));
    }
    const settled = Promise.allSettled(accepted);
    await until(() => refusals.length > 0);
    assert.deepEqual(new Set(refusals), new Set(["ERR_QUEUE_FULL"]));
    assert.ok(refusals.length > 100 && refusals.length < 120, `${refusals.length} were refused`);
    const server = await serverAt(t, name);
    server.handle(1, () => "answered");
    const answered = (await settled).filter(({ status }) => status === "fulfilled");
    assert.equal(answered.length, 200 - refusals.length);
  });

  test("are not kept from going by messages that nobody reads there", async (t) => {
    const small = { maxQueuedBytes: 100_000 };
    const server = await freshServer(t, small);
    server.handle(1, () => "answered");
    const client = await clientAt(t, server.name, small);
    for (let full = false; !full; ) {
      try {
        void client.write(1, pattern(10_000));
      } catch (error) {
        assert.equal((error as SealpipeError).code, "ERR_QUEUE_FULL");
        full = true;
      }
    }
    assert.equal((await client.request(1, "")).text, "answered");
  });

  test("are rejected at once if they are not to wait, at either end, and nothing of them is sent", async (t) => {
    const fail = { ifDisconnected: "fail" } as const;
    const { server, client, connection } = await connectedPair(t);
    const asked: string[] = [];
    server.handle(1, ({ text }) => {
      asked.push(text);
      return "";
    });
    await client.request(1, "connected", fail);
    client.handle(1, () => "");
    await connection.request(1, "", fail);
    await server.close();
    await assert.rejects(client.request(1, "lost", fail), { code: "ERR_NOT_CONNECTED" });
    const again = await serverAt(t, server.name);
    again.handle(1, ({ text }) => {
      asked.push(text);
      return "";
    });
    await client.request(1, "back");
    assert.deepEqual(asked, ["connected", "back"]);
    await assert.rejects(client.request(1, "", { ifDisconnected: "no" } as object), {
      code: "ERR_INVALID_OPTION",
    });
  });

  test("wait no longer than requestTimeoutMs, unless they say so themselves", async (t) => {
    const client = createClient(freshName(), { requestTimeoutMs: 20 });
    t.after(() => client.close());
    const patient = client.request(1, "", { timeoutMs: 0 });
    const timedOut = { code: "ERR_REQUEST_TIMEOUT", message: /20 ms/ };
    await assert.rejects(client.request(1, ""), timedOut);
    await assert.rejects(client.request(1, "", { ifDisconnected: "wait" }), timedOut);
    assert.equal(await isSettled(patient), false);
    patient.catch(() => {});
  });
});
