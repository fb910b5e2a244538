import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { go } from "../support/go-library.ts";
import type { OtherLibrary } from "../support/other-end.ts";
import { pythonLibrary } from "../support/python-starter.ts";
import { libraryChaos } from "./library-chaos.ts";

function describeChaos(other: OtherLibrary): void {
  const options = { timeout: 120_000, skip: other.skip };
  describe(`a connection with ${other.name} that is cut again and again`, options, () => {
    before(() => other.prepare());
    for (const role of ["server", "client"] as const) {
      for (const encryption of [true, false]) {
        const wire = encryption ? "encrypted" : "plain";
        test(`loses nothing, repeats nothing and reorders nothing, ${other.name}'s ${role}, ${wire}`, async (t) => {
          const given = { other, role, cuts: 30, encryption, say: () => {} };
          const { harm, client, server, failures } = await libraryChaos(given);
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
    }
  });
}

describeChaos(go);
describeChaos(pythonLibrary);
