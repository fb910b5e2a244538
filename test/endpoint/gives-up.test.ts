import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LostSession } from "sealpipe";
import { freshServer } from "../support/endpoints.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent, until } from "../support/waiting.ts";

describe("a client that does not get its connection back", { timeout: 60_000 }, () => {
  test("says which messages may have arrived", async (t) => {
    const server = await freshServer(t);
    const { client, relay } = await connectThroughRelay(t, server, { connectTimeoutMs: 300 });
    client.write(1, "read");
    await server.read();
    await client.flush();
    relay.hold();
    client.write(2, "on its way");
    await until(() => client.queuedBytes > 0);
    const lost = nextEvent<[LostSession]>(client, "session-lost");
    const closed = nextEvent(client, "close");
    setImmediate(() => relay.cut());
    assert.deepEqual(
      (await lost)[0].messages.map(({ type, text }) => [type, text]),
      [[2, "on its way"]],
    );
    assert.equal(client.status, "timeout");
    await closed;
  });
});
