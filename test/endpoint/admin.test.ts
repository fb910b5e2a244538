import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { CallerError, type Client, type Connection, PeerError, RemoteError, type Server } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { clientAt, connectedPair, connectTo, freshServer } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { until } from "../support/waiting.ts";

const timeout = 60_000;

const operations: Record<
  string,
  { allow(server: Server): () => void; ask(client: Client): Promise<unknown> }
> = {
  describe: { allow: (server) => server.allowDescribe(), ask: (client) => client.describe() },
  shutdown: { allow: (server) => server.allowShutdown(() => {}), ask: (client) => client.shutdownServer() },
};

describe("a request to the library itself", { timeout }, () => {
  for (const [name, { allow, ask }] of Object.entries(operations)) {
    test(`is refused unless the application allows it: ${name}`, async (t) => {
      const { server, client } = await connectedPair(t);
      const refused = (error: unknown) => error instanceof RemoteError && error.code === "ERR_NOT_ALLOWED";
      await assert.rejects(ask(client), refused);
      const forbid = allow(server);
      await ask(client);
      forbid();
      forbid();
      await assert.rejects(ask(client), refused);
    });

    test(`is refused by a golang-ipc peer: ${name}`, async (t) => {
      const { client } = await connectedPair(t, { server: { profile: "classic" } });
      assert.equal(await outcomeOf(ask(client)), "ERR_PEER_NOT_NATIVE");
    });

    test(`is not one of the application's types: ${name}`, async (t) => {
      const { server, client } = await connectedPair(t);
      server.handleAny(() => "the application's");
      assert.equal(await outcomeOf(ask(client)), "ERR_NOT_ALLOWED");
      assert.equal((await client.request(1, "")).text, "the application's");
      assert.equal((await client.request(2, "")).text, "the application's");
    });

    test(`waits as long as its timeout says, and no longer: ${name}`, async (t) => {
      const { server, client } = await connectedPair(t, { server: { maxConcurrentRequests: 1 } });
      allow(server);
      server.handle(1, () => new Promise(() => {}));
      const busy = client.request(1, "").catch(() => {});
      const waits =
        name === "describe"
          ? client.describe({ timeoutMs: 20 })
          : client.shutdownServer("", { timeoutMs: 20 });
      assert.equal(await outcomeOf(waits), "ERR_REQUEST_TIMEOUT");
      const controller = new AbortController();
      const { signal } = controller;
      const aborted =
        name === "describe" ? client.describe({ signal }) : client.shutdownServer("", { signal });
      controller.abort(new Error("enough"));
      assert.equal(await outcomeOf(aborted), "enough");
      client.destroy();
      await busy;
    });
  }

  test("is among the server's statistics, as a request", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    server.allowDescribe();
    await client.describe();
    await outcomeOf(client.shutdownServer());
    const { answered, failed } = connection.stats().handled;
    assert.deepEqual({ answered, failed }, { answered: 1, failed: 1 });
  });
});

describe("a server's description", { timeout }, () => {
  test("says what the server is", async (t) => {
    const hash = new Uint8Array(32).fill(7);
    const about = {
      application: "my-daemon",
      applicationVersion: "2.1.0",
      codec: "json",
      contracts: [{ name: "notes", version: "1", hash }],
    };
    const { server, client } = await connectedPair(t, { server: about });
    await connectTo(t, server);
    server.allowDescribe();
    server.handle(7, () => "");
    server.handle(4_294_967_295, () => "");
    server.handleAny(() => "");
    server.handleStream(9, () => {});
    const { uptimeMs, ...description } = await client.describe();
    assert.deepEqual(description, {
      ...about,
      library: client.peer?.library,
      pid: process.pid,
      requests: [7, 4_294_967_295],
      streams: [9],
      connections: 2,
    });
    assert.ok(Number.isInteger(uptimeMs) && uptimeMs >= 0);
  });
});

describe("a shutdown", { timeout }, () => {
  test("is answered before its handler begins, which may end the process", async (t) => {
    for (let round = 0; round < 10; round++) {
      const name = freshName();
      const child = startChild("exits-when-asked", name);
      await child.until(isEvent("listening"));
      const client = await clientAt(t, name, { retry: false });
      await client.shutdownServer();
      assert.equal(await exitOf(child), 7);
    }
  });

  test("carries the reason and the connection", async (t) => {
    const { server, client, connection } = await connectedPair(t, { client: { retry: false } });
    const heard: unknown[] = [];
    const begun = new Promise<void>((resolve) => {
      server.allowShutdown(async (request) => {
        heard.push(request.reason, request.connection === connection);
        await server.close();
        resolve();
      });
    });
    const closed = once(client, "close");
    await client.shutdownServer("Grüße");
    await begun;
    await closed;
    assert.deepEqual(heard, ["Grüße", true]);
    assert.equal(client.status, "disconnected");
  });

  test("that is under way is begun no second time, and one after it is", async (t) => {
    const { server, client } = await connectedPair(t);
    let begun = 0;
    let finish = () => {};
    server.allowShutdown(() => {
      begun += 1;
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    await client.shutdownServer();
    await until(() => begun === 1);
    await Promise.all([client.shutdownServer(), client.shutdownServer()]);
    assert.equal(begun, 1);
    finish();
    while (begun < 2) await client.shutdownServer();
    finish();
  });

  test("has one handler, which is a function", async (t) => {
    const server = await freshServer(t);
    const invalid = (error: unknown) => error instanceof CallerError && error.code === "ERR_INVALID_ARGUMENT";
    assert.throws(() => server.allowShutdown(5 as never), invalid);
    const remove = server.allowShutdown(() => {});
    assert.throws(() => server.allowShutdown(() => {}), invalid);
    remove();
    server.allowShutdown(() => {});
    remove();
    assert.throws(() => server.allowShutdown(() => {}), invalid, "a remover removes its own handler alone");
  });

  test("whose handler fails by its client's fault is an error event, and no uncaught exception", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    const errors = once(server, "error") as Promise<[PeerError, Connection]>;
    server.allowShutdown(async () => {
      throw new PeerError("ERR_CONNECTION_LOST", "as a flush would");
    });
    await client.shutdownServer();
    const [error, from] = await errors;
    assert.equal(error.code, "ERR_CONNECTION_LOST");
    assert.equal(from, connection);
  });

  for (const [what, reason] of [
    ["is too long", "x".repeat(1_025)],
    ["is too long in bytes", "é".repeat(513)],
    ["is no text", 5],
    ["has half of a surrogate pair", "\ud83d"],
  ] as const) {
    test(`has no reason that ${what}`, async (t) => {
      const { server, client } = await connectedPair(t);
      server.allowShutdown(() => assert.fail("it was asked"));
      await assert.rejects(client.shutdownServer(reason as string), { code: "ERR_INVALID_ARGUMENT" });
    });
  }

  test("may have a reason of 1024 bytes", async (t) => {
    const { server, client } = await connectedPair(t);
    const reason = "é".repeat(512);
    const heard = new Promise((resolve) => {
      server.allowShutdown(({ reason }) => resolve(reason));
    });
    await client.shutdownServer(reason);
    assert.equal(await heard, reason);
  });
});
