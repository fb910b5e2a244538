import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { freshName } from "../support/names.ts";

/** What is in use after a collection of garbage, for each of 200 further pairs of a client and its connection, in KiB. */
const program = `
  import { setImmediate } from "node:timers/promises";
  const { startClient, startServer } = await import(${JSON.stringify(new URL("../../../dist/index.js", import.meta.url).href)});
  const server = await startServer(process.argv[1]);
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  const clients = [];
  async function open(count) {
    for (let opened = 0; opened < count; opened++) {
      const client = await startClient(server.name);
      await client.write(1, "hello");
      await client.read();
      clients.push(client);
    }
  }
  async function inUse() {
    for (let count = 0; count < 5; count++) {
      gc();
      await setImmediate();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }
  await open(50);
  const before = await inUse();
  await open(200);
  console.log((await inUse() - before) / 200 / 1024);
  for (const client of clients) await client.close();
  await server.close();
`;

test("an encrypted connection that is idle holds less than 22 KiB at each end", (t) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", "--input-type=module", "--eval", program, freshName()],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  t.diagnostic(`${(Number(stdout) / 2).toFixed(1)} KiB`);
  assert.ok(Number(stdout) > 0 && Number(stdout) < 44, stdout);
});
