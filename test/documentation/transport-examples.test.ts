import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

/** Each example, and what it prints. */
const examples: Record<string, readonly string[]> = {
  "web-socket": ["HELLO", "AGAIN 2"],
  "message-port": ["HELLO", "3000000 characters"],
  stdio: ["HELLO", "closed"],
};

describe("the examples of transports", () => {
  for (const [name, printed] of Object.entries(examples)) {
    test(`${name} runs, and prints what it should`, () => {
      const path = fileURLToPath(new URL(`../../examples/transports/${name}.js`, import.meta.url));
      const { status, stdout, stderr } = spawnSync(process.execPath, [path], {
        encoding: "utf8",
        timeout: 30_000,
      });
      assert.equal(stderr, "");
      assert.equal(status, 0);
      assert.deepEqual(stdout.trim().split("\n"), printed);
    });
  }
});
