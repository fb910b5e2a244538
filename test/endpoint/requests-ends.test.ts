import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { Client, ClientOptions, Connection, Server, ServerOptions } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { pattern } from "../support/bytes.ts";
import { connectedPair } from "../support/endpoints.ts";
import { given } from "../support/pending.ts";
import { until } from "../support/waiting.ts";

const timeout = 60_000;

interface Ends {
  readonly server: Server;
  readonly client: Client;
  readonly connection: Connection;
}

interface End {
  readonly end: (ends: Ends) => unknown;
  /** How requests of the client, and of the server's connection, end. */
  readonly client: string;
  readonly connection: string;
}

const lost = "ERR_SESSION_LOST";
const closed = "ERR_CLOSED";
/** Who is gone without a word may come back, and has not. */
const gone = "ERR_CONNECTION_LOST";

/** Each way in which a session can be over, and what both ends' requests come to. */
const ends: Record<string, End> = {
  "the client closes": { end: ({ client }) => client.close(), client: closed, connection: closed },
  "the connection is closed at the server": {
    end: ({ connection }) => connection.close(),
    client: lost,
    connection: closed,
  },
  "the server closes": { end: ({ server }) => server.close(), client: lost, connection: closed },
  "the client is destroyed": { end: ({ client }) => client.destroy(), client: closed, connection: gone },
  "the client is destroyed with an error": {
    end: ({ client }) => client.destroy(given),
    client: given.message,
    connection: gone,
  },
  "the connection is destroyed": {
    end: ({ connection }) => connection.destroy(),
    client: lost,
    connection: closed,
  },
  "the connection is destroyed with an error": {
    end: ({ connection }) => connection.destroy(given),
    client: lost,
    connection: given.message,
  },
  "the server is destroyed with an error": {
    end: ({ server }) => server.destroy(given),
    // It waits for the server to come back, as there was no word of an end.
    client: "ERR_CONNECT_TIMEOUT",
    connection: given.message,
  },
  "both close at once": {
    end: ({ client, server }) => Promise.all([client.close(), server.close()]),
    client: closed,
    connection: closed,
  },
};

const options: { server: ServerOptions; client: ClientOptions } = {
  // Where a client is gone without a word, it is not waited for long.
  server: { resumeWindowMs: 50, closeTimeoutMs: 500 },
  client: { closeTimeoutMs: 500, connectTimeoutMs: 2_000 },
};

/** A request of every kind that waits for something, from that end. */
function askAll(end: Client | Connection): Promise<unknown>[] {
  return [
    outcomeOf(end.request(1, "a handler at work")),
    outcomeOf(end.request(1, "one with a timeout", { timeoutMs: 3_600_000 })),
    outcomeOf(end.request(1, "one with a signal", { signal: new AbortController().signal })),
    outcomeOf(end.request(1, "one that waits for a handler")),
    outcomeOf(end.request(1, pattern(900_000))),
  ];
}

async function connect(t: TestContext): Promise<Ends & { aborted(): number; handling(): number }> {
  let started = 0;
  let aborted = 0;
  const limit = { maxConcurrentRequests: 3 };
  const pair = await connectedPair(t, {
    server: { ...options.server, ...limit },
    client: { ...options.client, ...limit },
  });
  for (const end of [pair.client, pair.connection]) {
    end.handle(1, ({ signal }) => {
      started += 1;
      signal.addEventListener("abort", () => {
        aborted += 1;
      });
      return new Promise(() => {});
    });
  }
  return { ...pair, aborted: () => aborted, handling: () => started };
}

describe("requests that are under way, when", { timeout }, () => {
  for (const [what, { end, client, connection }] of Object.entries(ends)) {
    test(`${what}, all settle, and the handlers are aborted`, async (t) => {
      const pair = await connect(t);
      const atClient = askAll(pair.client);
      const atConnection = askAll(pair.connection);
      await until(() => pair.handling() === 6);
      await end(pair);
      const settled = await Promise.all([Promise.all(atClient), Promise.all(atConnection)]);
      assert.deepEqual(settled, [Array(5).fill(client), Array(5).fill(connection)]);
      await until(() => pair.aborted() === 6);
    });
  }

  test("a handler closes its own end, the answer is not sent, and all settle", async (t) => {
    const { client, connection } = await connectedPair(t);
    connection.handle(1, async () => {
      await connection.close();
      return "too late";
    });
    assert.equal(await outcomeOf(client.request(1, "")), lost);
    const other = await connectedPair(t, options);
    other.client.handle(1, () => {
      other.client.destroy();
      return "too late";
    });
    assert.equal(await outcomeOf(other.connection.request(1, "")), gone);
  });

  test("the end was before, they are rejected at once", async (t) => {
    const { client, connection } = await connectedPair(t);
    await client.close();
    assert.equal(await outcomeOf(client.request(1, "")), closed);
    await until(() => connection.status === "disconnected");
    assert.equal(await outcomeOf(connection.request(1, "")), closed);
  });
});
