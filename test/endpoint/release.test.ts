import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Answer, Message, startClient, startServer } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { lengthOnceGiven } from "../support/memory.ts";
import { freshName } from "../support/names.ts";

/** Around what a chunk, a frame and a record hold, and on both sides of what is worth to be given back. */
const sizes = Array.from(
  { length: 120 },
  (_, index) =>
    [100, 16_300, 16_384, 65_500 + index, 65_524, 130_030 + index, 131_072, 300_000][index % 8] as number,
);

for (const profile of ["native", "classic"] as const) {
  for (const encryption of [true, false]) {
    const options = { profile, encryption };
    describe(`releasing messages (${profile}, ${encryption ? "encrypted" : "plain"})`, () => {
      test("leaves those that come after it whole, whatever their sizes", async () => {
        await using server = await startServer(freshName(), options);
        await using client = await startClient(server.name, options);
        let arrived = 0;
        server.on("message", (message) => {
          const size = sizes[arrived] as number;
          arrived += 1;
          assert.equal(message.type, arrived);
          assert.deepEqual(message.data, pattern(size, arrived));
          message.release();
          assert.equal(message.data.length, 0);
          message.release();
          if (arrived === sizes.length) message.connection.write(1, "all");
        });
        for (const [index, size] of sizes.entries()) await client.write(index + 1, pattern(size, index + 1));
        assert.equal((await client.read()).text, "all");
        assert.equal(arrived, sizes.length);
      });

      test("makes as much room for more as if they were left alone", { timeout: 30_000 }, async () => {
        await using server = await startServer(freshName(), { ...options, maxQueuedBytes: 100_000 });
        await using client = await startClient(server.name, { ...options, maxQueuedBytes: 100_000 });
        for (let round = 1; round <= 10; round++) {
          const writes = Array.from({ length: 60 }, (_, index) => client.write(index + 1, pattern(1_000)));
          // They arrive together: while this one is read, others wait, and are counted.
          (await server.read({ timeoutMs: 10_000 })).release();
          await new Promise<void>((resolve) => {
            const listener = (message: Message): void => {
              message.release();
              if (message.type < writes.length) return;
              server.off("message", listener);
              resolve();
            };
            server.on("message", listener);
          });
          await Promise.all(writes);
        }
      });
    });
  }
}

describe("releasing", () => {
  test("gives back what a large message lay in, and empties a small one alone", () => {
    const memory = pattern(20_008);
    const large = new Message(1, memory.subarray(8));
    large.release();
    assert.equal(large.data.length, 0);
    assert.equal(memory.length, lengthOnceGiven(20_008));
    const shared = pattern(100);
    const small = new Message(1, shared.subarray(0, 50));
    small.release();
    assert.equal(small.data.length, 0);
    assert.deepEqual(shared, pattern(100));
  });

  test("is there for requests and answers too", async () => {
    await using server = await startServer(freshName());
    server.handle(1, (request) => {
      const answer = Uint8Array.from(request.data).reverse();
      request.release();
      assert.equal(request.data.length, 0);
      return answer;
    });
    await using client = await startClient(server.name);
    for (const size of [10, 20_000, 100_000, 500_000]) {
      const answer = await client.request(1, pattern(size));
      assert.ok(answer instanceof Answer);
      assert.deepEqual(answer.data, pattern(size).reverse());
      answer.release();
      assert.equal(answer.data.length, 0);
    }
  });
});
