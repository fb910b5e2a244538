import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { connectedPair } from "../support/endpoints.ts";

describe("what is shown of an endpoint", () => {
  test("is one line with its status, where it is, and who the peer is", async (t) => {
    const { server, client, connection } = await connectedPair(t, {
      client: { application: "gui", applicationVersion: "1.2" },
    });
    const { address } = server;
    const { pid } = process;
    assert.equal(inspect(server), `Server { status: listening, address: ${address}, connections: 1 }`);
    assert.equal(
      inspect(client),
      `Client { status: connected, address: ${address}, profile: native, peer: pid ${pid}, queuedBytes: 0 }`,
    );
    assert.equal(
      inspect(connection),
      `Connection { status: connected, id: ${connection.id}, profile: native, peer: pid ${pid} gui 1.2, queuedBytes: 0 }`,
    );
  });
});
