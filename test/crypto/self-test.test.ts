import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { agreesWithPlatform } from "#dist/crypto/self-test.js";
import type { BatchAead } from "#dist/protocol/crypto-provider.js";
import { createBatch } from "../support/batches.ts";
import { freshName } from "../support/names.ts";

/** The library's batches, with something wrong with them. */
function broken(change: (batch: BatchAead, nonces: "carried" | "known") => Partial<BatchAead>) {
  return (key: Uint8Array, nonces: "carried" | "known"): BatchAead => {
    const batch = createBatch(key, nonces);
    const bound = {
      prepare: batch.prepare.bind(batch),
      sealNext: batch.sealNext.bind(batch),
      openNext: batch.openNext.bind(batch),
      drop: batch.drop.bind(batch),
      wipe: batch.wipe.bind(batch),
    };
    return { prepared: 1, ...bound, ...change(batch, nonces) };
  };
}

describe("the self-test of the batches", () => {
  const agrees = (change: Parameters<typeof broken>[0]) =>
    agreesWithPlatform(broken(change), nodeCrypto.createAead);

  test("is passed by the library's own", () => assert.ok(agrees(() => ({}))));

  test("is failed by one that seals otherwise, at any of the lengths", () => {
    for (const wrongLength of [0, 1, 15, 16, 17, 100, 1_152]) {
      const change = (batch: BatchAead): Partial<BatchAead> => ({
        sealNext(plaintext, target, additionalBytes) {
          batch.sealNext(plaintext, target, additionalBytes);
          if (plaintext[0]?.length === wrongLength) target[target.length - 1] = 0;
        },
      });
      assert.ok(!agrees(change), `${wrongLength}`);
    }
  });

  test("is failed by one that opens nothing, something else, or what was changed", () => {
    assert.ok(!agrees(() => ({ openNext: () => undefined })));
    assert.ok(!agrees(() => ({ openNext: (sealed) => sealed })));
    const plaintexts: Uint8Array[] = [];
    const opensAll = (batch: BatchAead): Partial<BatchAead> => ({
      sealNext(plaintext, target, additionalBytes) {
        plaintexts.push(...plaintext);
        batch.sealNext(plaintext, target, additionalBytes);
      },
      openNext: () => plaintexts.at(-1),
    });
    assert.ok(!agrees(opensAll));
  });

  test("is failed by one that throws, and by one that is wrong for one use alone", () => {
    const throws = (): never => {
      throw new RangeError("out of order");
    };
    assert.ok(!agrees(() => ({ prepare: throws })));
    for (const wrong of ["carried", "known"] as const) {
      assert.ok(!agrees((_, nonces) => (nonces === wrong ? { openNext: () => undefined } : {})));
    }
  });
});

/** As `without-webassembly.test.ts`, in an engine whose module comes to something else. */
const program = `
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class {
    constructor(module) {
      const { memory, digest } = new Instance(module).exports;
      const words = new Int32Array(memory.buffer);
      this.exports = { memory, digest(tables, input, end, result) {
        digest(tables, input, end, result);
        words[result / 4] ^= 1;
      } };
    }
  };
  const { startClient, startServer } = await import(${JSON.stringify(new URL("../../../dist/index.js", import.meta.url).href)});
  const { nodeCrypto } = await import(${JSON.stringify(new URL("../../../dist/crypto/node.js", import.meta.url).href)});
  const warnings = [];
  process.on("warning", ({ code }) => warnings.push(code));
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
  console.log(nodeCrypto.createAead(new Uint8Array(32)).createBatch("known"), warnings.join());
`;

test("if the self-test fails, each message has its own cipher, and one warning says so", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program, freshName()],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "undefined SEALPIPE_SELF_TEST_FAILED\n");
});
