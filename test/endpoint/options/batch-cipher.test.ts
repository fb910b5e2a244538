import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { parseBatchCipher } from "#dist/endpoint/options/batch-cipher.js";
import { freshName } from "../../support/names.ts";

describe("the library's own AES-GCM", () => {
  test("is used unless the option or the environment turns it off", () => {
    for (const [option, value, used] of [
      [undefined, undefined, true],
      [true, "1", true],
      [false, undefined, false],
      [false, "1", false],
      [true, "0", false],
      [undefined, "0", false],
    ] as const) {
      assert.equal(parseBatchCipher(option, { SEALPIPE_BATCH_CIPHER: value }), used, `${option}, ${value}`);
    }
  });

  test("is not a matter of guessing what the environment means", () => {
    for (const value of ["", "false", "off", "no", "00", " 0"]) {
      assert.throws(() => parseBatchCipher(undefined, { SEALPIPE_BATCH_CIPHER: value }), {
        code: "ERR_INVALID_OPTION",
        message: /^the environment variable SEALPIPE_BATCH_CIPHER must be "0" or "1", not /,
      });
    }
  });
});

/** Sends more short messages than have a cipher of their own, and tells how many modules were made for the others. */
const program = `
  const { Module } = WebAssembly;
  let modules = 0;
  WebAssembly.Module = class {
    constructor(bytes) {
      modules += 1;
      return new Module(bytes);
    }
  };
  const { startClient, startServer } = await import(${JSON.stringify(new URL("../../../../dist/index.js", import.meta.url).href)});
  const [, name, options] = process.argv;
  const server = await startServer(name, JSON.parse(options));
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  for (const profile of ["native", "classic"]) {
    const client = await startClient(name, { profile, ...JSON.parse(options) });
    for (let type = 1; type <= 100; type++) await client.write(type, "message " + type);
    for (let type = 1; type <= 100; type++) {
      const message = await client.read({ timeoutMs: 10_000 });
      if (message.type !== type || message.text !== "message " + type) throw new Error(message.text);
    }
    await client.close();
  }
  await server.close();
  console.log(modules);
`;

function modulesMade(options: object, environment: Record<string, string>): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program, freshName(), JSON.stringify(options)],
    { encoding: "utf8", env: { ...process.env, ...environment } },
  );
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

describe("messages pass all the same, and nothing of the library's own is even made ready,", () => {
  test("with the option turned off", () => assert.equal(modulesMade({ batchCipher: false }, {}), "0"));

  test("with the environment variable turned off", () => {
    assert.equal(modulesMade({ batchCipher: true }, { SEALPIPE_BATCH_CIPHER: "0" }), "0");
  });

  test("but it is with neither", () => assert.equal(modulesMade({}, {}), "1"));
});
