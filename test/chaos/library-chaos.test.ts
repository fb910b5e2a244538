import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { go } from "../support/go-library.ts";
import type { OtherLibrary } from "../support/other-end.ts";
import { pythonLibrary } from "../support/python-starter.ts";
import { thorough } from "../support/thorough.ts";
import type { ChaosOptions, ChaosResult } from "./chaos.ts";
import { libraryChaos, pairChaos } from "./library-chaos.ts";

const cuts = thorough ? 300 : 30;

type Attempt = (options: ChaosOptions) => Promise<ChaosResult>;

function describeChaos(libraries: readonly OtherLibrary[], ways: Record<string, Attempt>): void {
  const names = libraries.map(({ name }) => name).join(" and ");
  const skip = libraries.map(({ skip }) => skip).find(Boolean) ?? false;
  const between = libraries.length === 1 ? "with" : "between";
  describe(`a connection ${between} ${names} that is cut again and again`, { timeout: 600_000, skip }, () => {
    before(() => {
      for (const library of libraries) library.prepare();
    });
    for (const [way, attempt] of Object.entries(ways)) {
      for (const encryption of [true, false]) {
        const wire = encryption ? "encrypted" : "plain";
        test(`loses nothing, repeats nothing and reorders nothing, ${way}, ${wire}`, async (t) => {
          const { harm, client, server, failures } = await attempt({ cuts, encryption, say: () => {} });
          assert.deepEqual(failures, []);
          assert.ok(harm.cuts >= cuts);
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

for (const other of [go, pythonLibrary]) {
  describeChaos([other], {
    [`${other.name}'s server`]: (options) => libraryChaos({ ...options, other, role: "server" }),
    [`${other.name}'s client`]: (options) => libraryChaos({ ...options, other, role: "client" }),
  });
}

describeChaos([pythonLibrary, go], {
  "Python's server": (options) => pairChaos({ ...options, server: pythonLibrary, client: go }),
  "Go's server": (options) => pairChaos({ ...options, server: go, client: pythonLibrary }),
});
