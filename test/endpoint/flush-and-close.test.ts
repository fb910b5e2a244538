import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client, Connection, LostSession, Server } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { connectedPair } from "../support/endpoints.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

interface Ends {
  readonly server: Server;
  readonly client: Client;
  readonly connection: Connection;
}

const closings: Readonly<Record<string, (ends: Ends) => Promise<void>>> = {
  "its server": ({ server }) => server.close(),
  "its connection": ({ connection }) => connection.close(),
};

describe("a flush that waits while the other end closes", { timeout: 60_000 }, () => {
  for (const [what, close] of Object.entries(closings)) {
    for (const reader of ["server", "connection"] as const) {
      test(`is rejected for what ${what} drops unread, and that is reported (${reader})`, async (t) => {
        const ends = await connectedPair(t);
        const { client } = ends;
        const lost = nextEvent<[LostSession]>(client, "session-lost");
        // Whoever reads one takes the others too.
        for (const type of [1, 2, 3]) client.write(type, "x".repeat(10_000));
        await ends[reader].read();
        await until(() => client.queuedBytes < 30_000);
        const flushed = outcomeOf(client.flush());
        await close(ends);
        assert.equal(await flushed, "ERR_SESSION_LOST");
        assert.deepEqual(
          (await lost)[0].messages.map(({ type }) => type),
          [2, 3],
        );
      });
    }

    test(`has nothing left to wait for, or to reject, if all was read just before ${what} closes`, async (t) => {
      const ends = await connectedPair(t);
      const { client, server } = ends;
      const lost = record(client, "session-lost");
      client.write(1, "x");
      const left = nextEvent(client, "status");
      await server.read();
      await close(ends);
      await left;
      await client.flush();
      assert.deepEqual(lost, []);
    });
  }
});
