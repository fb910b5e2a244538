import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, PeerError } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { clientOfRaw, connectedPair, rawClientOf, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";

const timeout = 20_000;
const classic = { profile: "classic" } as const;

describe("requests to a peer that speaks golang-ipc's wire", { timeout }, () => {
  for (const [who, options] of Object.entries({
    "the client": { client: classic },
    "the server": { server: classic },
  })) {
    test(`are rejected at both ends if ${who} has profile "classic"`, async (t) => {
      const { client, connection } = await connectedPair(t, options);
      connection.handle(1, () => "never");
      client.handle(1, () => "never");
      for (const end of [client, connection]) {
        assert.equal(end.profile, "classic");
        await assert.rejects(end.request(1, ""), (error: PeerError) => {
          assert.ok(error instanceof PeerError);
          assert.equal(error.code, "ERR_PEER_NOT_NATIVE");
          return true;
        });
      }
      await client.write(1, "messages work");
      assert.equal((await connection.read()).text, "messages work");
    });
  }

  test("are rejected if the peer is a bare socket that knows nothing else", async (t) => {
    const { client, peer } = await clientOfRaw(t);
    assert.equal(await outcomeOf(client.request(1, "")), "ERR_PEER_NOT_NATIVE");
    // Nothing was sent: what comes first is the message.
    await client.write(7, "");
    assert.deepEqual(await peer.receive(8), Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 7));
    const { server } = await connectedPair(t, {
      server: { encryption: false },
      client: { encryption: false },
    });
    const { connection } = await rawClientOf(t, server);
    assert.equal(await outcomeOf(connection.request(1, "")), "ERR_PEER_NOT_NATIVE");
  });

  test("are rejected when the server that they waited for turns out to be one", async (t) => {
    const name = freshName();
    const client = createClient(name, { retryDelayMs: 5 });
    t.after(() => client.close());
    const asked = [1, 2, 3].map((type) => outcomeOf(client.request(type, "")));
    await client.write(1, "a message");
    const server = await serverAt(t, name, classic);
    assert.deepEqual(await Promise.all(asked), Array(3).fill("ERR_PEER_NOT_NATIVE"));
    assert.equal((await server.read()).text, "a message");
  });
});
