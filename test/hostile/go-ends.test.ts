import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { exitOf } from "../support/children.ts";
import { buildGoEnd, GoEnd, startAttackedGoServer } from "../support/go-end.ts";
import { lacksGo } from "../support/go-peer.ts";
import { HealthyClient } from "../support/healthy-client.ts";
import { attackServer, hostileClients } from "../support/hostile-clients.ts";
import { hostileServers } from "../support/hostile-servers.ts";
import { freshName } from "../support/names.ts";

describe("an end in Go", { skip: lacksGo(), timeout: 120_000 }, () => {
  test("outlives every hostile client at once, beside a healthy one, with no goroutine left", async (t) => {
    buildGoEnd();
    const name = freshName();
    const server = startAttackedGoServer("attacked", name, JSON.stringify({ handshakeTimeoutMs: 1_000 }));
    after(() => server.kill());
    await server.until(({ event }) => event === "listening");
    const healthy = await HealthyClient.start(t, name, { encryption: true });
    for (let round = 0; round < 3; round++) await attackServer(name);
    await healthy.goOn(20);
    await healthy.stop();
    server.command({ do: "end" });
    assert.equal(await exitOf(server), 0);
    t.diagnostic(
      `${Object.keys(hostileClients).length} clients, three times; ${healthy.roundTrips} healthy round trips`,
    );
  });

  for (const [what, attack] of Object.entries(hostileServers)) {
    test(`outlives a server that ${what}, as a client`, async () => {
      const name = freshName();
      const attacked = attack(name);
      const client = new GoEnd("client", name, "--echo");
      after(() => client.kill());
      assert.ok(await attacked, "it came");
      // It has given up, and said why, or tries again.
      assert.ok(client.child.exitCode === null || client.child.exitCode === 1);
      assert.doesNotMatch(client.stderr, /panic|goroutine/);
      await client.kill();
    });
  }
});
