import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type Client, type ClientOptions, createClient, type SealpipeError } from "sealpipe";
import { freshServer, rawServer } from "../../support/endpoints.ts";
import { freshName } from "../../support/names.ts";
import { isSettled, nextEvent } from "../../support/waiting.ts";

const timeout = 60_000;
const given = new Error("given by the caller");

/** Soon enough that a test may wait for it, and never where it should not come. */
const often: ClientOptions = { retryDelayMs: 5, maxRetryDelayMs: 5 };

function clientOf(t: TestContext, name: string, options: ClientOptions = {}): Client {
  const client = createClient(name, { ...often, ...options });
  t.after(() => {
    client.destroy();
    return client.close();
  });
  return client;
}

async function connected(t: TestContext): Promise<Client> {
  const server = await freshServer(t, { maxConnections: 3 });
  const client = clientOf(t, server.name);
  await nextEvent(client, "status");
  return client;
}

/** How a client comes to each of its statuses. */
const ways: Record<string, (t: TestContext) => Promise<Client>> = {
  connecting: async (t) => clientOf(t, freshName()),
  "connecting, in the handshake": async (t) => {
    const { name, raw } = await rawServer(t);
    const client = clientOf(t, name, { closeTimeoutMs: 20 });
    await raw.accept();
    return client;
  },
  connected,
  reconnecting: async (t) => {
    const server = await freshServer(t);
    const client = clientOf(t, server.name);
    await nextEvent(client, "status");
    const lost = nextEvent(client, "status");
    await server.close();
    await lost;
    return client;
  },
  closing: async (t) => {
    const client = await connected(t);
    void client.close();
    return client;
  },
  closed: async (t) => {
    const client = await connected(t);
    await client.close();
    return client;
  },
  disconnected: async (t) => {
    const server = await freshServer(t);
    const client = clientOf(t, server.name, { retry: false });
    await nextEvent(client, "status");
    const closed = nextEvent(client, "close");
    await server.close();
    await closed;
    return client;
  },
  timeout: async (t) => {
    const client = clientOf(t, freshName(), { connectTimeoutMs: 5 });
    await nextEvent(client, "close");
    return client;
  },
  error: async (t) => {
    const server = await freshServer(t, { encryption: false });
    const client = clientOf(t, server.name);
    await nextEvent(client, "close");
    return client;
  },
  destroyed: async (t) => {
    const client = await connected(t);
    client.destroy(given);
    await client.close();
    return client;
  },
};

/** What a call comes to: what it throws, whether its promise waits, or how that settles. */
async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    const result = call();
    if (!(result instanceof Promise)) return "returns";
    if (!(await isSettled(result))) {
      result.catch(() => {});
      return "waits";
    }
    await result;
    return "resolves";
  } catch (error) {
    return (error as SealpipeError).code ?? (error as Error).message;
  }
}

const calls: Record<string, (client: Client) => unknown> = {
  read: (client) => client.read(),
  "for await": (client) => client[Symbol.asyncIterator]().next(),
  write: (client) => client.write(1, "a"),
  flush: (client) => client.flush(),
  "flush after a write": (client) => {
    client.write(1, "a");
    return client.flush();
  },
  request: (client) => client.request(1, "a"),
  connected: (client) => client.connected(),
  reconnectNow: (client) => client.reconnectNow(),
  handle: (client) => client.handle(1, () => "")(),
  ref: (client) => client.ref(),
  unref: (client) => client.unref(),
  stats: (client) => client.stats(),
  openStream: (client) => client.openStream(1, "a"),
  handleStream: (client) => client.handleStream(1, () => {})(),
  describe: (client) => client.describe(),
  shutdownServer: (client) => client.shutdownServer(),
};

const open = {
  read: "waits",
  "for await": "waits",
  write: "returns",
  flush: "resolves",
  "flush after a write": "waits",
  request: "waits",
  connected: "waits",
  reconnectNow: "returns",
  handle: "returns",
  ref: "returns",
  unref: "returns",
  stats: "returns",
  openStream: "waits",
  handleStream: "returns",
  describe: "ERR_NOT_CONNECTED",
  shutdownServer: "ERR_NOT_CONNECTED",
};

/** With what `read`, and a loop, come to. */
function over(read: string, loop: string): typeof open {
  const no = "ERR_CLOSED";
  const ended = { connected: read, reconnectNow: no };
  return {
    ...open,
    read,
    "for await": loop,
    write: no,
    flush: no,
    "flush after a write": no,
    request: no,
    openStream: no,
    describe: no,
    shutdownServer: no,
    ...ended,
  };
}

const outcomes: Record<string, Record<string, string>> = {
  connecting: open,
  "connecting, in the handshake": open,
  connected: {
    ...open,
    request: "ERR_NO_HANDLER",
    connected: "resolves",
    openStream: "resolves",
    describe: "ERR_NOT_ALLOWED",
    shutdownServer: "ERR_NOT_ALLOWED",
  },
  reconnecting: open,
  closing: over("ERR_CLOSED", "resolves"),
  closed: over("ERR_CLOSED", "resolves"),
  disconnected: over("ERR_CLOSED", "resolves"),
  timeout: over("ERR_CONNECT_TIMEOUT", "ERR_CONNECT_TIMEOUT"),
  error: over("ERR_ENCRYPTION_REQUIRED", "ERR_ENCRYPTION_REQUIRED"),
  destroyed: over(given.message, given.message),
};

describe("each method of a client", { timeout }, () => {
  for (const [status, way] of Object.entries(ways)) {
    for (const [method, call] of Object.entries(calls)) {
      const expected = outcomes[status]?.[method];
      test(`${method}, ${status}: ${expected}`, async (t) => {
        const client = await way(t);
        assert.equal(await outcomeOf(() => call(client)), expected);
      });
    }
  }
});

/** Statuses and events in the order in which they come, from now on. */
function history(client: Client): string[] {
  const told: string[] = [];
  client.on("status", (status) => told.push(status));
  client.on("error", ({ code }) => told.push(`error ${code}`));
  client.on("session-lost", () => told.push("session-lost"));
  client.on("close", () => told.push("close"));
  return told;
}

const ends: Record<string, { readonly end: (client: Client) => unknown; readonly last: "closed" | "error" }> =
  {
    close: { end: (client) => client.close(), last: "closed" },
    "close, twice": {
      end: (client) => Promise.all([client.close(), client.close()]),
      last: "closed",
    },
    destroy: { end: (client) => client.destroy(), last: "closed" },
    "destroy with an error": { end: (client) => client.destroy(given), last: "error" },
    "close, and then destroy": {
      end(client) {
        void client.close();
        client.destroy();
      },
      last: "closed",
    },
  };

describe("the end of a client", { timeout }, () => {
  const running = ["connecting", "connecting, in the handshake", "connected", "reconnecting"];
  for (const status of running) {
    for (const [title, { end, last }] of Object.entries(ends)) {
      test(`by ${title}, ${status}: closing, ${last} and the close event, and nothing else`, async (t) => {
        const client = await (ways[status] as (t: TestContext) => Promise<Client>)(t);
        const told = history(client);
        await end(client);
        await client.close();
        await isSettled(undefined);
        assert.deepEqual(told, ["closing", last, "close"]);
        assert.equal(client.status, last);
      });
    }
  }

  for (const [status, last] of [
    ["closed", "closed"],
    ["disconnected", "disconnected"],
    ["timeout", "timeout"],
    ["error", "error"],
    ["destroyed", "error"],
  ] as const) {
    for (const [title, { end }] of Object.entries(ends)) {
      test(`is not followed by another, by ${title}: ${status}`, async (t) => {
        const client = await (ways[status] as (t: TestContext) => Promise<Client>)(t);
        const told = history(client);
        await end(client);
        await client.close();
        await isSettled(undefined);
        assert.deepEqual(told, []);
        assert.equal(client.status, last);
      });
    }
  }
});
