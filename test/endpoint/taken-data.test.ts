import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LostSession, Message, Server } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientAt, connectedPair, freshServer } from "../support/endpoints.ts";
import { attempts } from "../support/harms.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent, until } from "../support/waiting.ts";

const timeout = 120_000;
const count = 60;
const sizes = [0, 10, 64, 65, 500, 2_048, 2_049, 5_000, 70_000, 300_000];
const dataOf = (type: number): Uint8Array => pattern(sizes[type % sizes.length] as number, type % 7);

const wires = [
  { profile: "native", encryption: true },
  { profile: "native", encryption: false },
  { profile: "classic", encryption: true },
  { profile: "classic", encryption: false },
] as const;

/** How an application can take messages besides listening, each until it has `count`. */
const ways: Record<string, (server: Server, take: (message: Message) => void) => Promise<void>> = {
  read: async (server, take) => {
    for (let taken = 0; taken < count; taken++) take(await server.read());
  },
  "read, many at once,": async (server, take) => {
    await Promise.all(Array.from({ length: count }, () => server.read().then(take)));
  },
  "come to in a loop": async (server, take) => {
    let taken = 0;
    for await (const message of server) {
      take(message);
      taken += 1;
      if (taken === count) return;
    }
  },
};

function checkWhole({ type, data }: { type: number; data: Uint8Array }): void {
  assert.equal(Buffer.compare(data, dataOf(type)), 0, `message ${type} has ${data.length} bytes`);
}

for (const wire of wires) {
  const title = `${wire.profile}, ${wire.encryption ? "encrypted" : "plain"}`;
  describe(`a message that was (${title})`, { timeout }, () => {
    for (const [way, takeAll] of Object.entries(ways)) {
      for (const { what, attempt } of attempts) {
        test(`${way} and then ${what} is felt by no other`, async (t) => {
          const server = await freshServer(t, wire);
          const client = await clientAt(t, server.name, wire);
          const kept: Message[] = [];
          const taking = takeAll(server, (message) => {
            checkWhole(message);
            if (message.type % 2 === 0) attempt(message.data);
            else kept.push(message);
          });
          for (let type = 1; type <= count; type++) await client.write(type, dataOf(type));
          await Promise.all([client.flush(), taking]);
          kept.forEach(checkWhole);
          assert.deepEqual(
            kept.map(({ type }) => type),
            Array.from({ length: count / 2 }, (_, index) => 2 * index + 1),
          );
          await client.close();
        });
      }
    }
  });
}

describe("a message of a lost session", { timeout }, () => {
  for (const { what, attempt } of attempts) {
    test(`${what}, and no other feels it, nor does the session that follows`, async (t) => {
      const server = await freshServer(t);
      const { client, relay } = await connectThroughRelay(t, server, { connectTimeoutMs: 300 });
      client.on("error", () => {});
      relay.hold();
      for (let type = 1; type <= 20; type++) void client.write(type, dataOf(type));
      await until(() => client.queuedBytes > 0);
      const lost = nextEvent<[LostSession]>(client, "session-lost");
      const closed = nextEvent(client, "close");
      setImmediate(() => relay.cut());
      const { messages } = (await lost)[0];
      // What had been sent and may have arrived: all that a socket takes in, and less of a pipe on Windows.
      assert.ok(messages.length > 5, `${messages.length} messages`);
      for (const message of messages) {
        checkWhole(message);
        if (message.type % 2 === 0) attempt(message.data);
      }
      for (const message of messages) if (message.type % 2 === 1) checkWhole(message);
      await closed;
      const next = await connectedPair(t);
      for (let type = 1; type <= 20; type++) void next.client.write(type, dataOf(type));
      for (let type = 1; type <= 20; type++) checkWhole(await next.server.read());
    });
  }
});
