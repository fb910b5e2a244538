import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chaos } from "../chaos/chaos.ts";
import { cutNats } from "../chaos/cut-nats.ts";
import { lacksNats } from "../support/nats-server.ts";

describe("a connection over a cluster of NATS whose nodes are killed and stopped", {
  skip: lacksNats(),
  timeout: 120_000,
}, () => {
  test("loses nothing, repeats nothing and reorders nothing", async (t) => {
    const { harm, client, server, failures } = await chaos(
      { cuts: 8, encryption: true, say: () => {} },
      cutNats,
    );
    assert.deepEqual(failures, []);
    assert.equal(harm.cuts, 8);
    t.diagnostic(`${harm.cuts} cuts, ${client.sent + server.sent} messages`);
  });
});
