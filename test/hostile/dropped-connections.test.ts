import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client, Connection, Server } from "sealpipe";
import { isEvent, startChild } from "../support/children.ts";
import { freshServer } from "../support/endpoints.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const plain = { encryption: false };
/** Far longer than a busy machine takes: what is tested is who is given up, not when. */
const resumeWindowMs = 110_000;

async function talk(client: Client, connection: Connection): Promise<void> {
  for (let count = 0; count < 10; count++) {
    void client.write(1, `${count}`);
    void connection.write(1, (await connection.read()).text);
    assert.equal((await client.read()).text, `${count}`);
  }
  await Promise.all([client.flush(), connection.flush()]);
}

/** A process connects as often as that, and is killed. */
async function connectAndDrop(server: Server, count: number): Promise<void> {
  const attacker = startChild("many-clients", server.name, `${count}`, JSON.stringify(plain));
  await attacker.until(isEvent("connected"));
  const connected = (): number => server.connections.filter(({ status }) => status === "connected").length;
  await until(() => connected() === count);
  await attacker.kill();
  await until(() => connected() === 0);
}

describe("a client that was cut off beside a process that drops connections", { timeout: 120_000 }, () => {
  for (const count of [64, 1_000]) {
    test(`comes back to its session with nothing lost, after ${count} of them`, async (t) => {
      const server = await freshServer(t, { ...plain, resumeWindowMs });
      const errors = record<{ code: string }>(server, "error");
      const { client, connection, relay } = await connectThroughRelay(t, server, plain);
      const lost = record(client, "session-lost");
      await talk(client, connection);
      relay.hold();
      void client.write(2, "under way to the server");
      void connection.write(2, "under way to the client");
      const cut = nextEvent(connection, "error");
      relay.cut();
      await cut;
      await connectAndDrop(server, count);
      assert.equal(connection.status, "reconnecting");
      assert.equal(server.connections.length, 64, "it and 63 others");
      relay.release();
      assert.equal((await connection.read()).text, "under way to the server");
      assert.equal((await client.read()).text, "under way to the client");
      assert.deepEqual(lost, []);
      assert.equal(connection.status, "connected");
      // On a busy machine the time of some of the others' handshakes is over before they are dropped.
      const codes = new Set(errors.map(({ code }) => code));
      codes.delete("ERR_HANDSHAKE_TIMEOUT");
      assert.deepEqual(codes, new Set(["ERR_CONNECTION_LOST"]));
    });
  }
});
