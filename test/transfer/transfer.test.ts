import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { faults, transfer } from "./transfer.ts";

describe("a file that is sent in a stream between two processes", { timeout: 120_000 }, () => {
  // The first is larger than what a process may grow by.
  for (const [encryption, mebibytes] of [
    [true, 256],
    [false, 32],
  ] as const) {
    test(`arrives whole beside small requests, and memory is bounded, ${encryption ? "encrypted" : "plain"}`, async (t) => {
      const said: string[] = [];
      const result = await transfer({
        mebibytes,
        encryption,
        requestsAlone: 2_000,
        figuresEveryMs: 500,
        say: (line) => said.push(line),
      });
      assert.deepEqual(faults(result, mebibytes), []);
      assert.ok(result.beside.count >= 64, "requests were answered meanwhile");
      for (const line of said) t.diagnostic(line);
    });
  }

  test("is found to be wrong if it differs, or costs memory", () => {
    const latencies = { count: 1, p50Ms: 1, p99Ms: 1, maxMs: 1 };
    const found = faults(
      {
        elapsedMs: 1,
        sentHash: "aa",
        arrivedHash: "bb",
        arrivedBytes: 1,
        clientGrowthBytes: 0,
        serverGrowthBytes: 1_073_741_824,
        alone: latencies,
        beside: latencies,
      },
      1,
    );
    assert.deepEqual(found, [
      "1 bytes arrived",
      "what arrived has the hash bb, the file aa",
      "the server grew by 1024 MiB",
    ]);
  });
});
