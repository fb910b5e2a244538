import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Message } from "sealpipe";
import { concat, pattern } from "../support/bytes.ts";
import { clientAt, connectedPair, freshServer, profiles } from "../support/endpoints.ts";
import { attempts } from "../support/harms.ts";
import { until } from "../support/waiting.ts";

const timeout = 120_000;
const sizes = [0, 10, 64, 65, 500, 2_048, 2_049, 5_000, 70_000, 300_000];

/** What a message of that type has: two of one size follow each other, of one client each. */
function dataOf(type: number): Uint8Array {
  const index = Math.ceil(type / 2) - 1;
  return pattern(sizes[index % sizes.length] as number, type % 5);
}

function checkData(data: Uint8Array, expected: Uint8Array): void {
  assert.equal(Buffer.compare(data, expected), 0, `${data.length} bytes`);
}

for (const wire of profiles) {
  const title = `${wire.profile}, ${wire.encryption ? "encrypted" : "plain"}`;
  describe(`a message that a listener was given (${title})`, { timeout }, () => {
    for (const { what, attempt } of attempts) {
      test(`${what}, and all others arrive as they were sent, flushed and closed in order`, async (t) => {
        const server = await freshServer(t, wire);
        const [client, other] = [await clientAt(t, server.name, wire), await clientAt(t, server.name, wire)];
        const kept: Message[] = [];
        let harmed = 0;
        server.on("message", (message) => {
          // Each second one; the client of odd types is left alone.
          if (message.type % 4 === 2) {
            checkData(message.data, dataOf(message.type));
            attempt(message.data);
            harmed += 1;
          } else kept.push(message);
        });
        const count = 60;
        for (let index = 0; index < count; index++) {
          const [mine, others] = [2 * index + 2, 2 * index + 1];
          await Promise.all([client.write(mine, dataOf(mine)), other.write(others, dataOf(others))]);
        }
        await Promise.all([client.flush(), other.flush()]);
        await until(() => kept.length + harmed === 2 * count);
        for (const { type, data } of kept) checkData(data, dataOf(type));
        for (const parity of [0, 1]) {
          const types = kept.map(({ type }) => type).filter((type) => type % 2 === parity);
          assert.deepEqual(
            types,
            types.toSorted((one, next) => one - next),
          );
        }
        await Promise.all([client.close(), other.close()]);
      });
    }
  });
}

describe("the data of a request and of its answer", { timeout }, () => {
  for (const encryption of [true, false]) {
    for (const { what, attempt } of attempts) {
      test(`${what}, and each request is answered (${encryption ? "encrypted" : "plain"})`, async (t) => {
        const { client, server } = await connectedPair(t, { server: { encryption }, client: { encryption } });
        server.handle(1, ({ data }) => {
          const answer = concat(data);
          attempt(data);
          return answer;
        });
        await Promise.all(
          Array.from({ length: 40 }, async (_, index) => {
            const asked = pattern(sizes[index % sizes.length] as number, index);
            const { data } = await client.request(1, asked);
            checkData(data, asked);
            attempt(data);
          }),
        );
      });
    }
  }
});

describe("the buffer of a message", { timeout }, () => {
  for (const wire of profiles) {
    test(`has nothing of another client's messages in it (${wire.profile}, ${wire.encryption})`, async (t) => {
      const server = await freshServer(t, wire);
      const clients = [await clientAt(t, server.name, wire), await clientAt(t, server.name, wire)] as const;
      for (let count = 0; count < 300; count++) {
        const bytes = [300, 2_048, 2_049, 5_000, 20_000][count % 5] as number;
        void clients[0].write(1, "A".repeat(bytes));
        void clients[1].write(2, "B".repeat(bytes));
      }
      for (let count = 0; count < 600; count++) {
        const { type, data } = await server.read();
        const others = Buffer.alloc(20, type === 1 ? "B" : "A");
        assert.equal(Buffer.from(data.buffer).indexOf(others), -1);
        assert.ok(data.length <= 2_048 || data.buffer.byteLength <= data.length + 12, "alone in its memory");
      }
    });
  }

  test("keeps 8 KiB in memory at most, besides the message's own data", async (t) => {
    const { client, server } = await connectedPair(t);
    const kept: Message[] = [];
    let heard = 0;
    server.on("message", (message) => {
      heard += 1;
      if (heard % 1_000 === 0) kept.push(message);
    });
    for (let count = 0; count < 100_000; count++) await client.write(1, "x".repeat(100));
    await client.flush();
    assert.equal(kept.length, 100);
    const buffers = new Set(kept.map(({ data }) => data.buffer));
    let bytes = 0;
    for (const { byteLength } of buffers) bytes += byteLength;
    assert.ok(bytes <= kept.length * 8_192, `${bytes} bytes`);
  });
});
