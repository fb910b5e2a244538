// A test file that leaves something behind, or nothing, to be run with what looks for that.
// Usage: node --import leftovers.js leaves.js nothing|timer|server|descriptor|awake

import { openSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";

const [what = "nothing"] = process.argv.slice(2);

function listen(): Promise<void> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", resolve);
    if (what !== "awake") server.unref();
  });
}

test("leaves something", async () => {
  setTimeout(() => {}, 1).unref();
  clearTimeout(setTimeout(() => {}, 60_000));
  switch (what) {
    case "timer":
      setTimeout(() => {}, 60_000).unref();
      return;
    case "descriptor":
      openSync(process.execPath, "r");
      return;
    case "server":
    case "awake":
      return listen();
  }
});
