import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client, Connection, LostSession, SealpipeError } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { connectedPair, connectTo, freshServer } from "../support/endpoints.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const timeout = 60_000;

/** Writes more than is kept for the client, however fast it reads: it has no turn to. */
function overwhelm(connection: Connection): void {
  while (connection.status === "connected") connection.write(1, pattern(100_000));
}

/** The codes of its errors and its statuses, in order, from now on. */
function history(client: Client): string[] {
  const told: string[] = [];
  client.on("status", (status) => told.push(status));
  client.on("error", ({ code }) => told.push(code));
  client.on("session-lost", () => told.push("session-lost"));
  return told;
}

describe("a native client that is dropped as it does not read", { timeout }, () => {
  for (const encryption of [true, false]) {
    test(`hears why once it is back, before it hears what is lost (${encryption ? "sealed" : "in the clear"})`, async (t) => {
      const { server, client, connection } = await connectedPair(t, {
        server: { encryption, maxQueuedBytes: 300_000 },
        client: { encryption },
      });
      const told = history(client);
      const errors = record<SealpipeError>(client, "error");
      client.write(1, "never read");
      const asked = client.request(1, "");
      // Both are on their way.
      await until(() => connection.stats().received.messages === 1);
      await assert.rejects(asked, { code: "ERR_NO_HANDLER" });
      const pending = client.request(2, "");
      const rejected = assert.rejects(pending, (error: SealpipeError) => {
        assert.equal(error.code, "ERR_SESSION_LOST");
        assert.equal((error.cause as SealpipeError).code, "ERR_FELL_BEHIND");
        return true;
      });
      const refused = server.handle(2, () => new Promise<string>(() => {}));
      await until(() => connection.stats().handled.running === 1);
      const again = nextEvent<[Connection]>(server, "connection");
      const lost = nextEvent<[LostSession]>(client, "session-lost");
      overwhelm(connection);
      const [next] = await again;
      assert.deepEqual(
        (await lost)[0].messages.map(({ text }) => text),
        ["never read"],
      );
      await rejected;
      refused();
      assert.deepEqual(told, [
        "reconnecting",
        "ERR_CONNECTION_LOST",
        "connected",
        "ERR_FELL_BEHIND",
        "session-lost",
      ]);
      assert.equal(errors.at(-1)?.fault, "peer");
      assert.equal(client.lastError, undefined);
      await next.write(7, "and it goes on");
      for (;;) if ((await client.read()).text === "and it goes on") break;
    });
  }

  test("hears it also if nothing of its own was under way", async (t) => {
    const { server, client, connection } = await connectedPair(t, { server: { maxQueuedBytes: 300_000 } });
    const told = history(client);
    overwhelm(connection);
    await until(() => told.includes("ERR_FELL_BEHIND"));
    await client.write(1, "and it goes on");
    assert.equal((await server.read()).text, "and it goes on");
  });

  test("hears it once: the next end of its connection is another", async (t) => {
    const server = await freshServer(t, { maxQueuedBytes: 300_000 });
    const { client, connection } = await connectTo(t, server);
    const told = history(client);
    const again = nextEvent<[Connection]>(server, "connection");
    overwhelm(connection);
    const [next] = await again;
    await until(() => told.includes("ERR_FELL_BEHIND"));
    const third = nextEvent<[Connection]>(server, "connection");
    next.destroy();
    await third;
    await until(() => client.status === "connected");
    assert.equal(told.filter((code) => code === "ERR_FELL_BEHIND").length, 1);
  });

  test("is the only one that hears it", async (t) => {
    const server = await freshServer(t, { maxQueuedBytes: 300_000 });
    const dropped = await connectTo(t, server);
    const other = await connectTo(t, server);
    const told = history(other.client);
    overwhelm(dropped.connection);
    const again = nextEvent(server, "connection");
    other.connection.destroy();
    await again;
    await until(() => other.client.status === "connected");
    assert.equal(told.includes("ERR_FELL_BEHIND"), false);
  });
});

test("a classic client that is dropped sees the end of its connection alone", async (t) => {
  const { server, client, connection } = await connectedPair(t, {
    server: { maxQueuedBytes: 300_000 },
    client: { profile: "classic" },
  });
  const told = history(client);
  const again = nextEvent(server, "connection");
  overwhelm(connection);
  await again;
  await until(() => client.status === "connected");
  assert.equal(told.includes("ERR_FELL_BEHIND"), false);
});
