import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { freshName } from "../support/names.ts";

/** Sends more short messages than have a cipher of their own where WebAssembly is there. */
const program = `
  const { startClient, startServer } = await import(${JSON.stringify(new URL("../../../dist/index.js", import.meta.url).href)});
  const { nodeCrypto } = await import(${JSON.stringify(new URL("../../../dist/crypto/node.js", import.meta.url).href)});
  const server = await startServer(process.argv[1]);
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  for (const profile of ["native", "classic"]) {
    const client = await startClient(process.argv[1], { profile });
    for (let type = 1; type <= 100; type++) await client.write(type, "message " + type);
    for (let type = 1; type <= 100; type++) {
      const message = await client.read({ timeoutMs: 10_000 });
      if (message.type !== type || message.text !== "message " + type) throw new Error(message.text);
    }
    await client.close();
  }
  await server.close();
  console.log(typeof WebAssembly, nodeCrypto.createAead(new Uint8Array(32)).createBatch("known"));
`;

test("if the runtime has no WebAssembly, each message has a cipher of its own", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--jitless", "--input-type=module", "--eval", program, freshName()],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "undefined undefined\n");
});
