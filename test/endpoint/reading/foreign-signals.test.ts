import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, startClient } from "sealpipe";
import { connectedPair } from "../../support/endpoints.ts";
import { freshName } from "../../support/names.ts";
import { until } from "../../support/waiting.ts";

/** As jsdom's: an event target that aborts, and no instance of the platform's class. */
class ForeignSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event("abort"));
  }
}

function foreign(): { signal: AbortSignal; abort(reason: unknown): void } {
  const signal = new ForeignSignal();
  return { signal: signal as unknown as AbortSignal, abort: (reason) => signal.abort(reason) };
}

describe("a signal of another realm", () => {
  test("ends the first try to connect", async () => {
    const { signal, abort } = foreign();
    const connecting = startClient(freshName(), { signal, connectTimeoutMs: 60_000 });
    abort("no longer wanted");
    await assert.rejects(connecting, (reason) => reason === "no longer wanted");
    await assert.rejects(startClient(freshName(), { signal }), (reason) => reason === "no longer wanted");
  });

  test("ends a read and a request", async (t) => {
    const { client } = await connectedPair(t);
    for (const wait of [
      (signal: AbortSignal) => client.read({ signal }),
      (signal: AbortSignal) => client.request(1, "", { signal }),
    ]) {
      const { signal, abort } = foreign();
      const waiting = wait(signal);
      abort("enough");
      await assert.rejects(waiting, (reason) => reason === "enough");
      await assert.rejects(wait(signal), (reason) => reason === "enough");
    }
  });

  test("is not listened to once the client is connected or closed", async () => {
    const { signal } = foreign();
    let listeners = 0;
    signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
      listeners += 1;
      EventTarget.prototype.addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => {
      listeners -= 1;
      EventTarget.prototype.removeEventListener.apply(signal, args);
    };
    const client = createClient(freshName(), { signal });
    assert.equal(listeners, 1);
    await client.close();
    await until(() => listeners === 0);
  });
});
