import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chaos } from "./chaos.ts";

describe("a connection that is cut again and again", { timeout: 120_000 }, () => {
  for (const encryption of [true, false]) {
    test(`loses nothing, repeats nothing and reorders nothing, ${encryption ? "encrypted" : "plain"}`, async (t) => {
      const { harm, client, server, failures } = await chaos({ cuts: 30, encryption, say: () => {} });
      assert.deepEqual(failures, []);
      assert.ok(harm.cuts >= 30);
      for (const { sent, answered, echoed } of [client, server]) {
        assert.ok(sent > 0 && answered > 0 && echoed > 0);
      }
      t.diagnostic(
        `${harm.cuts} cuts, ${client.sent + server.sent} messages, ${client.asked + server.asked} requests`,
      );
    });
  }
});
