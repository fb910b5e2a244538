import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { nativeOptions, windowsOf } from "#dist/endpoint/options/native-options.js";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";

const going = { resumable: true };

describe("what a session is given to speak native", () => {
  test("is nothing if it is to speak classic", () => {
    assert.equal(nativeOptions(parseServerOptions({ profile: "classic" }), going), undefined);
  });

  test("is what the options say, for a client and a server", () => {
    const given = {
      keepaliveIntervalMs: 7,
      keepaliveTimeoutMs: 8,
      application: "my-app",
      applicationVersion: "1.2",
      codec: "json",
      contracts: [{ name: "files", version: "1", hash: new Uint8Array(32) }],
    };
    for (const parsed of [parseServerOptions(given), parseClientOptions({ ...given, profile: "native" })]) {
      const options = nativeOptions(parsed, going);
      assert.ok(options !== undefined);
      const { self, keepaliveIntervalMs, keepaliveTimeoutMs, resumable } = options;
      assert.deepEqual([keepaliveIntervalMs, keepaliveTimeoutMs, resumable], [7, 8, true]);
      assert.equal(self.pid, process.pid);
      assert.equal(self.application, "my-app");
      assert.equal(self.applicationVersion, "1.2");
      assert.equal(options.offers?.codec, "json");
      assert.deepEqual(options.offers?.contracts, given.contracts);
    }
  });

  test("has no keepalive if the interval is 0", () => {
    const options = nativeOptions(parseServerOptions({ keepaliveIntervalMs: 0 }), going);
    assert.equal(options?.keepaliveIntervalMs, Number.POSITIVE_INFINITY);
  });

  test("has the library's name and the version of its package", () => {
    const manifest = new URL("../../../../package.json", import.meta.url);
    const { version } = JSON.parse(readFileSync(manifest, "utf8"));
    assert.equal(nativeOptions(parseServerOptions(), going)?.self.library, `sealpipe/${version}`);
  });
});

describe("the windows of an end", () => {
  test("are a quarter of maxQueuedBytes for messages and for answers, and an eighth of it for requests", () => {
    assert.deepEqual(windowsOf(8_388_608), [2_097_152, 1_048_576, 2_097_152]);
    assert.deepEqual(windowsOf(2_000_003), [500_000, 250_000, 500_000]);
  });

  test("are no smaller and no larger than a hello can say", () => {
    assert.deepEqual(windowsOf(1), [65_536, 65_536, 65_536]);
    assert.deepEqual(windowsOf(400_000), [100_000, 65_536, 100_000]);
    assert.deepEqual(windowsOf(Number.MAX_SAFE_INTEGER), [2_147_483_647, 2_147_483_647, 2_147_483_647]);
  });
});
