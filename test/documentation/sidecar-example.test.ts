import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("the example of a sidecar, an app and its daemon, runs", () => {
  const app = fileURLToPath(new URL("../../examples/sidecar/app.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [app], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  const lines = stdout.trim().split("\n");
  // The first daemon may have said so before anybody listened.
  assert.deepEqual(
    lines.filter((line) => line !== "the daemon is there"),
    ["HELLO", "AGAIN", "the daemon ends: asked, the example is over", "the sidecar is stopped"],
  );
});
