import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Retries } from "#dist/endpoint/client/retries.js";
import type { TransportProvider } from "#dist/transport/transport.js";

const { signal } = new AbortController();

/** Retries that pause for a moment, and what they tell: the code, and whether it is news. */
function setUp(): { readonly retries: Retries; readonly told: string[] } {
  const told: string[] = [];
  const retries = new Retries({
    address: { kind: "unix", path: "/nowhere" } as never,
    // Without a watch.
    dialer: {} as TransportProvider,
    options: { retryDelayMs: 1, maxRetryDelayMs: 1 },
    retrying: ({ error }, isNews) => told.push(`${error?.code ?? "none"}${isNews ? ", news" : ""}`),
  });
  return { retries, told };
}

/** A connection that is lost at once, in order. */
async function lose(retries: Retries, { wasUsed = false, profile = "classic" as "classic" | "native" } = {}) {
  retries.tryBegins();
  retries.connected(profile);
  await retries.waitAfter({ error: undefined, wasUsed }, signal);
}

const quiet = "ERR_HANDSHAKE_REJECTED";

describe("connections that end right after the handshake", () => {
  test("are an error from the second on, which is news at the second, the fourth, the eighth", async () => {
    const { retries, told } = setUp();
    for (let count = 0; count < 8; count++) await lose(retries);
    const news = `${quiet}, news`;
    assert.deepEqual(told, ["none", news, quiet, news, quiet, quiet, quiet, news]);
  });

  test("count anew after one by which anything came, and after a native one", async () => {
    for (const lived of [{ wasUsed: true }, { profile: "native" }] as const) {
      const { retries, told } = setUp();
      for (const next of [{}, {}, lived, {}]) await lose(retries, next);
      assert.deepEqual(told, ["none", `${quiet}, news`, "none", "none"]);
    }
  });
});
