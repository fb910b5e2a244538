import assert from "node:assert/strict";
import crypto, { createECDH, ECDH } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { describe, type TestContext, test } from "node:test";
import { startClient, startServer } from "sealpipe";
import { buildGoPeer, GoPeer, lacksGo, towardsGo } from "../support/go-peer.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import { onWindows } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { times } from "../support/thorough.ts";

const skip = lacksGo();
const version = "v1.2.4";
const rounds = onWindows ? 100 : times(2_000);

/** Counts the shared secrets of this process, and those that begin with a zero byte. */
function countSecrets(t: TestContext): { total: number; leadingZero: number } {
  const counts = { total: 0, leadingZero: 0 };
  const computeSecret = ECDH.prototype.computeSecret as (key: NodeJS.ArrayBufferView) => Buffer;
  const count = (secret: Buffer): Buffer => {
    counts.total += 1;
    if (secret[0] === 0) counts.leadingZero += 1;
    return secret;
  };
  function counted(this: ECDH, peerPublicKey: NodeJS.ArrayBufferView): Buffer {
    return count(computeSecret.call(this, peerPublicKey));
  }
  t.mock.method(ECDH.prototype, "computeSecret", counted as typeof ECDH.prototype.computeSecret);
  // Of key pairs that were made ahead.
  const { diffieHellman } = crypto;
  t.mock.method(crypto, "diffieHellman", ((keys: Parameters<typeof diffieHellman>[0]) =>
    count(diffieHellman(keys) as Buffer)) as typeof diffieHellman);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  assert.equal(
    createECDH("secp384r1").computeSecret,
    ECDH.prototype.computeSecret,
    "the count sees every secret",
  );
  return counts;
}

function tell(t: TestContext, counts: { total: number; leadingZero: number }): void {
  t.diagnostic(
    `${rounds} encrypted handshakes, 0 failed; ${counts.leadingZero} secrets had a leading zero byte`,
  );
}

describe(`${rounds} encrypted handshakes with golang-ipc ${version}`, { skip }, () => {
  test("the vectors have secrets with one and with two leading zero bytes", () => {
    const file = new URL("../../../spec/vectors/key-agreement.json", import.meta.url);
    const secrets: string[] = JSON.parse(readFileSync(file, "utf8")).vectors.map(
      (vector: { sharedSecret: string }) => vector.sharedSecret,
    );
    assert.ok(secrets.some((secret) => /^00(?!00)/.test(secret)));
    assert.ok(secrets.some((secret) => /^0000(?!00)/.test(secret)));
  });

  test("Go's clients, one after another, with our server", async (t) => {
    const counts = countSecrets(t);
    const name = freshName();
    await using server = await startServer(name);
    const errors: Error[] = [];
    server.on("error", (error) => errors.push(error));
    server.on("message", ({ type, data, connection }) => connection.write(type, data));
    const go = new LinesProcess(buildGoPeer(version), [
      "handshakes",
      "--name",
      name,
      "--count",
      String(rounds),
    ]);
    const done = await go.until(({ event }) => event === "done" || event === "error");
    assert.deepEqual(done, { event: "done", rounds });
    assert.deepEqual(errors, []);
    assert.equal(counts.total, rounds);
    tell(t, counts);
    await go.kill();
  });

  test("our clients, one after another, with Go's server", async (t) => {
    const counts = countSecrets(t);
    const name = freshName();
    const go = new GoPeer({ version, role: "server", name, encryption: true });
    go.command({ do: "echo", on: true });
    await go.untilStatus("listening");
    for (let round = 0; round < rounds; round++) {
      const client = await startClient(name, towardsGo);
      await go.untilStatus("connected");
      await client.write(7, String(round));
      assert.equal((await client.read({ timeoutMs: 10_000 })).text, String(round));
      await client.close();
      // Not before Go has noticed: it would ignore the next client for ever.
      await go.untilStatus("disconnected");
    }
    assert.equal(counts.total, rounds);
    tell(t, counts);
    await go.kill();
    rmSync(addressOf(name), { force: true });
  });
});
