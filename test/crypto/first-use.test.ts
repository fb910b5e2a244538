import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { startServer } from "#dist/index.js";
import { freshName } from "../support/names.ts";

const library = JSON.stringify(new URL("../../../dist/index.js", import.meta.url).href);

/** Counts what is compiled while clients of both profiles write `messages` short messages each, and are answered. */
const program = `
  let compiled = 0;
  const { Module } = WebAssembly;
  WebAssembly.Module = class extends Module {
    constructor(...given) {
      super(...given);
      compiled += 1;
    }
  };
  const { startClient, startServer } = await import(${library});
  const [name, messages] = process.argv.slice(1);
  const server = await startServer(name);
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  for (const profile of ["native", "classic"]) {
    const client = await startClient(name, { profile });
    for (let count = 0; count < Number(messages); count++) {
      await client.write(1, "message " + count);
      if ((await client.read({ timeoutMs: 10_000 })).text !== "message " + count) throw new Error("changed");
    }
    await client.close();
  }
  await server.close();
  console.log("compiled " + compiled);
`;

function compiledFor(messages: number): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program, freshName(), String(messages)],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

test("a program that sends a few messages compiles no module and tests no cipher for runs of them", () => {
  assert.equal(compiledFor(5), "compiled 0\n");
});

test("one that sends many compiles it once, for all of its connections", () => {
  assert.equal(compiledFor(50), "compiled 1\n");
});

/** Asks a server once, and prints which modules of Node it has loaded by then, of those that are loaded when they are needed. */
const askOnce = `
  const loaded = new Set();
  const { getBuiltinModule } = process;
  process.getBuiltinModule = (id) => {
    loaded.add(id);
    return getBuiltinModule.call(process, id);
  };
  const { startClient } = await import(${library});
  const client = await startClient(process.argv[1], { encryption: process.argv[2] === "encrypted" });
  const { text } = await client.request(1, "what is the time?");
  await client.close();
  console.log(text + ": " + (loaded.has("node:crypto") ? "with" : "without") + " cryptography");
`;

for (const [wire, used] of [
  ["plain", "without"],
  ["encrypted", "with"],
] as const) {
  test(`a program that asks once, ${wire}, does so ${used} Node's cryptography`, async () => {
    const name = freshName();
    await using server = await startServer(name, { encryption: wire === "encrypted" });
    server.handle(1, () => "noon");
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...["--input-type=module", "--eval", askOnce, name, wire],
    ]);
    assert.equal(stdout, `noon: ${used} cryptography\n`);
  });
}
