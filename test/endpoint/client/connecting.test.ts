import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  type Client,
  type ClientOptions,
  createClient,
  type Retry,
  type Status,
  startClient,
} from "sealpipe";
import { clientAt, connectedPair, freshServer, rawServer, serverAt } from "../../support/endpoints.ts";
import { freshDirectory, freshName } from "../../support/names.ts";
import { noUnixSockets } from "../../support/platform.ts";
import { isSettled, nextEvent, record } from "../../support/waiting.ts";

const timeout = 60_000;
const hour = 3_600_000;
/** A client that does not see its server come would wait for an hour: it fails, and is not merely cut off. */
const soon = { timeoutMs: 20_000 };
const given = new Error("the user has gone");

interface Fixture {
  after(fn: () => unknown): void;
}

function clientOf(t: Fixture, name: string, options: ClientOptions = {}): Client {
  const client = createClient(name, { retryDelayMs: 5, ...options });
  t.after(() => {
    client.destroy();
    return client.close();
  });
  return client;
}

describe("a client that does not retry", { timeout }, () => {
  test("says at once that no server is there", async () => {
    const name = freshName();
    const connecting = startClient(name, { retry: false, retryDelayMs: hour });
    await assert.rejects(connecting, { code: "ERR_CONNECT_FAILED", message: /no server is there/ });
  });

  test("connects to one that is there, and ends, disconnected, when that ends in order", async (t) => {
    const server = await freshServer(t);
    const client = await clientAt(t, server.name, { retry: false });
    const statuses = record<Status>(client, "status");
    const errors = record(client, "error");
    const reading = client.read();
    const closed = nextEvent(client, "close");
    await Promise.all([assert.rejects(reading, { code: "ERR_CLOSED" }), server.close()]);
    await closed;
    assert.deepEqual([statuses, errors], [["disconnected"], []]);
    assert.throws(() => client.write(1, ""), { code: "ERR_CLOSED" });
    await assert.rejects(client.connected(), { code: "ERR_CLOSED" });
    await client.close();
    assert.equal(client.status, "disconnected");
  });

  test("ends with what its connection was lost by, and so do its requests and reads", async (t) => {
    const { client, connection } = await connectedPair(t, { client: { retry: false } });
    const errors = record<{ code: string }>(client, "error");
    const asked = client.request(1, "");
    const reading = client.read();
    connection.destroy();
    await assert.rejects(asked, { code: "ERR_CONNECTION_LOST" });
    await assert.rejects(reading, { code: "ERR_CONNECTION_LOST" });
    assert.equal(client.status, "error");
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ERR_CONNECTION_LOST"],
    );
  });

  test("is not waited for by a native server", async (t) => {
    const { client, connection } = await connectedPair(t, { client: { retry: false } });
    const closed = nextEvent(connection, "close");
    client.destroy();
    await closed;
    assert.notEqual(connection.status, "reconnecting");
  });
});

describe("connected()", { timeout }, () => {
  test("resolves at once at a client that is", async (t) => {
    const { client } = await connectedPair(t);
    await client.connected();
  });

  test("resolves once there is a connection, and again after one was lost", async (t) => {
    const name = freshName();
    const client = clientOf(t, name);
    const first = client.connected();
    assert.equal(await isSettled(first), false);
    const server = await serverAt(t, name);
    await first;
    const lost = nextEvent(client, "status");
    await server.close();
    await lost;
    const second = client.connected();
    await serverAt(t, name);
    await second;
    assert.equal(client.status, "connected");
  });

  test("rejects when its time is over, with the reason, and the client goes on", async (t) => {
    const name = freshName();
    const client = clientOf(t, name);
    await assert.rejects(client.connected({ timeoutMs: 60 }), {
      code: "ERR_CONNECT_TIMEOUT",
      message: /within 60 ms; the last try: .*no server is there/,
    });
    assert.equal(client.status, "connecting");
    await serverAt(t, name);
    await client.connected({ timeoutMs: 20_000 });
  });

  test("rejects with the signal's reason, before and while it waits", async (t) => {
    const client = clientOf(t, freshName());
    await assert.rejects(client.connected({ signal: AbortSignal.abort(given) }), given);
    const controller = new AbortController();
    const waiting = client.connected({ signal: controller.signal });
    controller.abort(given);
    await assert.rejects(waiting, given);
  });

  test("rejects when the client is closed, is destroyed, or gives up", async (t) => {
    const closed = clientOf(t, freshName());
    const atClose = assert.rejects(closed.connected(), { code: "ERR_CLOSED" });
    await closed.close();
    await atClose;
    const destroyed = clientOf(t, freshName());
    const atDestroy = assert.rejects(destroyed.connected(), given);
    destroyed.destroy(given);
    await atDestroy;
    const late = clientOf(t, freshName(), { connectTimeoutMs: 20 });
    await assert.rejects(late.connected(), { code: "ERR_CONNECT_TIMEOUT" });
    await assert.rejects(late.connected(), { code: "ERR_CONNECT_TIMEOUT" });
  });

  test("takes no other option", async (t) => {
    const client = clientOf(t, freshName());
    await assert.rejects(client.connected({ timeout: 1 } as object), { code: "ERR_INVALID_OPTION" });
  });
});

describe("a client that waits", { timeout }, () => {
  test("reports each pause: which attempt is next, why, and how long it pauses", async (t) => {
    const client = clientOf(t, freshName(), { retryDelayMs: 8, maxRetryDelayMs: 16 });
    const errors = record(client, "error");
    const retries = record<Retry>(client, "retrying");
    while (retries.length < 4) await nextEvent(client, "retrying");
    assert.deepEqual(
      retries.slice(0, 4).map(({ attempt }) => attempt),
      [2, 3, 4, 5],
    );
    for (const { error, delayMs } of retries) {
      assert.equal(error?.code, "ERR_CONNECT_FAILED");
      assert.ok(delayMs >= 4 && delayMs <= 16, `${delayMs}`);
    }
    assert.deepEqual(errors, []);
    assert.equal(client.lastError, retries.at(-1)?.error);
  });

  test("counts its tries anew after a connection, and has no last error while it has one", async (t) => {
    const { client, server } = await connectedPair(t);
    assert.equal(client.lastError, undefined);
    const told: unknown[] = [];
    // Looked at within the event: the next try has an error of its own.
    client.on("retrying", ({ attempt, error }) => told.push([attempt, error, codeOf(client.lastError)]));
    const retrying = nextEvent(client, "retrying");
    await server.close();
    await retrying;
    assert.deepEqual(told[0], [1, undefined, "ERR_CONNECTION_LOST"]);
    await serverAt(t, server.name);
    await client.connected();
    assert.equal(client.lastError, undefined);
  });

  test("goes on at once when asked to", async (t) => {
    const { name, raw } = await rawServer(t);
    const client = clientOf(t, name, { retryDelayMs: hour });
    client.on("retrying", () => client.reconnectNow());
    for (let round = 0; round < 3; round++) (await raw.accept()).destroy();
    const { attempt } = (await nextEvent<[Retry]>(client, "retrying"))[0];
    assert.ok(attempt >= 4);
  });

  test("cannot be asked to once it has ended, and need not be while it is connected", async (t) => {
    const { client } = await connectedPair(t);
    client.reconnectNow();
    assert.equal(client.status, "connected");
    await client.close();
    assert.throws(() => client.reconnectNow(), { code: "ERR_CLOSED" });
  });

  test("is there as soon as its server, however long it would pause", { skip: noUnixSockets }, async (t) => {
    const name = freshName();
    const client = clientOf(t, name, { retryDelayMs: hour });
    for (let round = 0; round < 3; round++) {
      await nextEvent(client, "retrying");
      const server = await serverAt(t, name);
      await client.connected(soon);
      await server.close();
    }
  });

  test("is there as soon as what is in the way of its server is gone", {
    skip: noUnixSockets,
  }, async (t) => {
    const name = freshName();
    const server = await serverAt(t, name);
    const client = clientOf(t, name, { retryDelayMs: hour });
    await client.connected(soon);
    const before = nextEvent(client, "retrying");
    await server.close();
    writeFileSync(server.address, "");
    await before;
    await nextEvent(client, "retrying");
    rmSync(server.address);
    await serverAt(t, name);
    await client.connected(soon);
  });
});

describe("what is in the way of a server", { timeout, skip: noUnixSockets }, () => {
  /** The one error that a client there tells while it tries three times. */
  async function toldOf(t: Fixture, name: string, directory: string): Promise<string> {
    const client = clientOf(t, name, { directory });
    const errors = record<Error>(client, "error");
    for (let tries = 0; tries < 3; tries++) await nextEvent(client, "retrying");
    assert.equal(errors.length, 1);
    assert.equal(client.status, "connecting");
    assert.equal(client.lastError?.message, errors[0]?.message);
    return errors[0]?.message as string;
  }

  test("is reported once, if the directory does not exist", async (t) => {
    const directory = join(freshDirectory(), "missing");
    assert.match(await toldOf(t, "app", directory), /the directory .*missing does not exist/);
  });

  test("is reported once, if a file is there, or a directory", async (t) => {
    const directory = freshDirectory();
    writeFileSync(join(directory, "file.sock"), "");
    assert.match(await toldOf(t, "file", directory), /a file is there instead of a socket/);
    mkdirSync(join(directory, "folder.sock"));
    assert.match(await toldOf(t, "folder", directory), /a directory is there instead of a socket/);
  });

  test("is waited out: the directory may come yet", async (t) => {
    const directory = join(freshDirectory(), "later");
    const client = clientOf(t, "app", { directory });
    await nextEvent(client, "error");
    mkdirSync(directory);
    await serverAt(t, "app", { directory });
    await client.connected();
  });
});

function codeOf(error: Error | undefined): string | undefined {
  return (error as (Error & { readonly code?: string }) | undefined)?.code;
}
