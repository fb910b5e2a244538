import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pattern } from "../support/bytes.ts";
import { connectTo, onEachWire } from "../support/endpoints.ts";
import { isSettled, turns } from "../support/waiting.ts";

const timeout = 60_000;
/** What the system holds of a socket's bytes, at most, on the platforms we know. */
const systemBytes = 2_000_000;

onEachWire((wire, { connectedPair }) => {
  describe(`a reader that stops (${wire})`, { timeout }, () => {
    for (const encryption of [true, false]) {
      for (const direction of ["client to server", "server to client"] as const) {
        const title = `${direction}, ${encryption ? "sealed" : "in the clear"}`;
        test(`stops the writer, and nothing is lost: ${title}`, async (t) => {
          const maxQueuedBytes = 1_000_000;
          const messageBytes = 50_000;
          const count = 200;
          const { client, connection } = await connectedPair(t, {
            server: { encryption, maxQueuedBytes },
            client: { encryption, maxQueuedBytes },
          });
          const [writer, reader] =
            direction === "client to server" ? [client, connection] : [connection, client];
          // From now on the connection's messages are its own.
          const first = reader.read();

          let written = 0;
          const writing = (async () => {
            for (; written < count; written++)
              await writer.write(written + 1, pattern(messageBytes, written));
          })();
          assert.equal((await first).type, 1);
          await turns(200);
          assert.equal(await isSettled(writing), false);
          const stoppedAt = written;
          assert.ok(written < count, "it has stopped");
          const held = written * messageBytes;
          const most = maxQueuedBytes + maxQueuedBytes / 4 + 2 * messageBytes + systemBytes;
          assert.ok(held < most, `${held} bytes are held, ${most} at most`);
          assert.ok(writer.queuedBytes <= maxQueuedBytes);

          for (let type = 2; type <= count; type++) {
            const message = await reader.read();
            assert.equal(message.type, type);
            assert.ok(Buffer.from(message.data).equals(pattern(messageBytes, type - 1)));
          }
          await writing;
          assert.ok(written > stoppedAt);
        });
      }
    }

    test("stops the writer of messages without data too", async (t) => {
      const { client, server } = await connectedPair(t, {
        server: { encryption: false, maxQueuedBytes: 100_000 },
        client: { encryption: false, maxQueuedBytes: 100_000 },
      });
      // Many times what all the buffers between them hold.
      const count = 200_000;
      let written = 0;
      const writing = (async () => {
        for (; written < count; written++) await client.write(1, "");
      })();
      await turns(500);
      assert.equal(await isSettled(writing), false);
      assert.ok(written < count, `${written} of ${count}`);
      for (let read = 0; read < count; read++) await server.read();
      await writing;
    });

    test("stops only its own peer", async (t) => {
      const options = { server: { maxQueuedBytes: 100_000 }, client: { maxQueuedBytes: 100_000 } };
      const { client: stopped, server, connection } = await connectedPair(t, options);
      const other = await connectTo(t, server);
      void connection.read();
      const writing = (async () => {
        for (let count = 0; count < 100; count++) await stopped.write(1, pattern(50_000));
      })();
      writing.catch(() => {});
      for (let round = 1; round <= 50; round++) {
        await other.client.write(round, "ping");
        const { type, connection: from } = await server.read();
        assert.equal(type, round);
        await from.write(round, "pong");
        assert.equal((await other.client.read()).text, "pong");
      }
      assert.equal(await isSettled(writing), false);
    });

    test("goes on where it was, by listening", async (t) => {
      const { client, server } = await connectedPair(t, { server: { maxQueuedBytes: 10_000 } });
      const writing = (async () => {
        for (let type = 1; type <= 1_000; type++) await client.write(type, pattern(100));
      })();
      await turns();
      const types: number[] = [];
      const all = new Promise<void>((resolve) => {
        server.on("message", ({ type }) => {
          types.push(type);
          if (types.length === 1_000) resolve();
        });
      });
      await all;
      await writing;
      assert.deepEqual(
        types,
        Array.from({ length: 1_000 }, (_, index) => index + 1),
      );
    });
  });
});
