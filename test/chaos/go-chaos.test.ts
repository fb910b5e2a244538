import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lacksGo } from "../support/go-peer.ts";
import { goChaos } from "./go-chaos.ts";

describe("a connection with Go that is cut again and again", { timeout: 120_000, skip: lacksGo() }, () => {
  for (const go of ["server", "client"] as const) {
    for (const encryption of [true, false]) {
      const wire = encryption ? "encrypted" : "plain";
      test(`loses nothing, repeats nothing and reorders nothing, Go's ${go}, ${wire}`, async (t) => {
        const { harm, client, server, failures } = await goChaos({ go, cuts: 30, encryption, say: () => {} });
        assert.deepEqual(failures, []);
        assert.ok(harm.cuts >= 30);
        for (const { sent, answered } of [client, server]) assert.ok(sent > 0 && answered > 0);
        t.diagnostic(
          `${harm.cuts} cuts, ${client.sent + server.sent} messages, ${client.asked + server.asked} requests`,
        );
      });
    }
  }
});
