import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client, Connection, Server } from "sealpipe";
import { clientOfRaw, connectTo, onEachWire, rawClientOf } from "../support/endpoints.ts";
import { nextEvent, record, turns } from "../support/waiting.ts";

const timeout = 60_000;
const badFrame = Uint8Array.of(0, 0, 0, 0);

/** Sends `endpoint` messages from the other end. */
function sendTo(who: "server" | "client" | "connection", pair: { client: Client; connection: Connection }) {
  const other = who === "client" ? pair.connection : pair.client;
  for (let type = 1; type <= 3; type++) void other.write(type, "");
}

onEachWire((wire, { connectedPair, freshServer }) => {
  describe(`closing from inside (${wire})`, { timeout }, () => {
    for (const who of ["server", "client", "connection"] as const) {
      for (const how of ["at once", "and awaiting it"] as const) {
        test(`a ${who}'s listener for messages ${how} ends it, and no further message is told`, async (t) => {
          const pair = await connectedPair(t);
          const endpoint = pair[who];
          const types: number[] = [];
          const closed = new Promise<void>((resolve) => {
            endpoint.on("message", async ({ type }: { type: number }) => {
              types.push(type);
              const closing = endpoint.close();
              if (how === "and awaiting it") await closing;
              resolve(closing);
            });
          });
          sendTo(who, pair);
          await closed;
          await turns();
          assert.equal(endpoint.status, "closed");
          assert.deepEqual(types, [1]);
        });

        test(`a loop over a ${who}'s messages ${how} ends it, and the loop`, async (t) => {
          const pair = await connectedPair(t);
          const endpoint = pair[who];
          sendTo(who, pair);
          const types: number[] = [];
          for await (const { type } of endpoint) {
            types.push(type);
            const closing = endpoint.close();
            if (how === "and awaiting it") await closing;
          }
          await endpoint.close();
          assert.equal(endpoint.status, "closed");
          assert.deepEqual(types, [1]);
        });
      }
    }

    test("the listener for connections ends that connection, and others come", async (t) => {
      const server = await freshServer(t);
      const ids: number[] = [];
      server.on("connection", (connection) => {
        ids.push(connection.id);
        if (connection.id === 1) void connection.close();
      });
      const first = nextEvent<[Connection]>(server, "connection");
      const { client } = await connectTo(t, server);
      // Its connection was closed, so it comes back as the second.
      const [connection] = await first;
      await connection.close();
      assert.equal(connection.status, "closed");
      await client.flush();
      await nextEvent(client, "status");
      await client.write(1, "here again");
      assert.equal((await server.read()).connection.id, 2);
      assert.deepEqual(ids, [1, 2]);
    });

    test("the listener for connections ends the server", async (t) => {
      const server = await freshServer(t);
      const closed = nextEvent(server, "close");
      server.on("connection", () => void server.close());
      const { client } = await connectTo(t, server);
      await closed;
      assert.equal(server.status, "closed");
      await client.close();
    });

    test("the listener for errors of a server or a connection ends them", async (t) => {
      for (const closing of ["server", "connection"] as const) {
        const server: Server = await freshServer(t, { encryption: false });
        const { peer, connection } = await rawClientOf(t, server);
        const errors = record<{ code: string }>(server, "error");
        const endpoint = closing === "server" ? server : connection;
        endpoint.on("error", () => void endpoint.close());
        const closed = nextEvent(endpoint, "close");
        peer.send(badFrame);
        await closed;
        assert.equal(connection.status, "error");
        assert.equal(server.status, closing === "server" ? "closed" : "listening");
        assert.deepEqual(
          errors.map(({ code }) => code),
          ["ERR_FRAME_TOO_SHORT"],
        );
      }
    });

    test("any listener with destroy ends it as well", async (t) => {
      const { client, peer } = await clientOfRaw(t);
      client.on("error", () => client.destroy());
      peer.send(badFrame);
      await nextEvent(client, "close");
      assert.equal(client.status, "closed");
      for (const who of ["server", "client", "connection"] as const) {
        const pair = await connectedPair(t);
        const endpoint = pair[who];
        endpoint.on("message", () => endpoint.destroy());
        const closed = nextEvent(endpoint, "close");
        sendTo(who, pair);
        await closed;
        assert.equal(endpoint.status, "closed");
      }
    });
  });
});
