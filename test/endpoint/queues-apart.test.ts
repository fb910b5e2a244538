import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { directions } from "../support/asking.ts";
import { connectedPair } from "../support/endpoints.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const maxQueuedBytes = 262_144;

describe("a write", { timeout: 60_000 }, () => {
  for (const [title, connect] of Object.entries(directions)) {
    test(`finds room though as many requests wait as may (${title})`, async (t) => {
      const options = { maxQueuedBytes, maxConcurrentRequests: 1 };
      const { asker, answerer } = await connect(t, { server: options, client: options });
      let answer = (): void => {};
      answerer.handle(1, () => new Promise<undefined>((resolve) => (answer = () => resolve(undefined))));
      const asked = Array.from({ length: 10 }, () => asker.request(1, "x".repeat(60_000)));
      const refused = asked.map((promise) => promise.catch(({ code }) => code));
      assert.ok((await Promise.race(refused)) === "ERR_QUEUE_FULL", "requests are at their limit");
      const message = nextEvent(answerer, "message");
      assert.equal(asker.write(2, "a message"), undefined);
      await message;
      answerer.on("message", () => answer());
      t.after(() => asker.destroy());
    });
  }

  test("to all drops no client that has large answers on their way to it", async (t) => {
    const { server, client, connection } = await connectedPair(t, { server: { maxQueuedBytes } });
    const errors = record(server, "error");
    server.handle(1, () => new Uint8Array(2_000_000));
    const answer = client.request(1, "");
    const seen = nextEvent(client, "message");
    await until(() => connection.queuedBytes >= 2_000_000);
    server.broadcast(2, "to all");
    await seen;
    assert.equal((await answer).data.length, 2_000_000);
    assert.deepEqual(errors, []);
    assert.deepEqual(server.connections, [connection]);
  });
});
