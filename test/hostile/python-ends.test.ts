import assert from "node:assert/strict";
import { once } from "node:events";
import { after, describe, test } from "node:test";
import { startServer } from "sealpipe";
import { hostileServers } from "../support/hostile-servers.ts";
import { freshName } from "../support/names.ts";
import { blockingPythonLibrary, pythonLibrary } from "../support/python-starter.ts";

for (const { name: library, skip, start } of [pythonLibrary, blockingPythonLibrary]) {
  describe(`a client in ${library}`, { skip, timeout: 120_000 }, () => {
    for (const [what, attack] of Object.entries(hostileServers)) {
      test(`outlives a server that ${what}, and goes on with another or says why not`, async () => {
        const name = freshName();
        const attacked = attack(name);
        const client = start("client", name, "--echo");
        after(() => client.kill());
        const exited = once(client.child, "exit");
        assert.ok(await attacked, "it came");

        await using next = await startServer(name);
        const back = once(next, "connection").then(() => "back");
        if ((await Promise.race([back, exited.then(() => "gone")])) === "back") {
          await next.broadcast(1, "still there?");
          // What it still had to write to the other server comes first.
          while ((await next.read({ timeoutMs: 20_000 })).text !== "still there?");
        } else {
          assert.equal(client.child.exitCode, 1);
          assert.match(String((await client.untilEvent("failed"))["code"]), /^ERR_/);
        }
        assert.equal(client.stderr, "");
        await client.kill();
      });
    }
  });
}
