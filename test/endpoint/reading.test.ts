import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Message } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientOfRaw, onEachWire } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { isSettled, nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;
const given = new Error("the user has gone");

onEachWire((wire, { connectedPair }) => {
  describe(`reading (${wire})`, { timeout }, () => {
    test("gives messages with their type, data and text", async (t) => {
      const { client, connection } = await connectedPair(t);
      await connection.write(4_294_967_295, "hé 名");
      await connection.write(1, pattern(100_000));
      const first = await client.read();
      assert.ok(first instanceof Message);
      assert.equal(first.type, 4_294_967_295);
      assert.equal(first.text, "hé 名");
      const second = await client.read();
      assert.ok(Buffer.from(second.data).equals(pattern(100_000)));
    });

    test("serves those who wait in the order in which they came", async (t) => {
      const { client, connection } = await connectedPair(t);
      const reads = [client.read(), client.read(), client.read()];
      for (let type = 1; type <= 3; type++) await connection.write(type, "");
      assert.deepEqual(
        (await Promise.all(reads)).map(({ type }) => type),
        [1, 2, 3],
      );
    });

    test("gives up after timeoutMs", async (t) => {
      const { client, server, connection } = await connectedPair(t);
      for (const endpoint of [client, server, connection]) {
        await assert.rejects(endpoint.read({ timeoutMs: 5 }), { code: "ERR_READ_TIMEOUT" });
      }
    });

    test("gives up with the signal's reason: before, meanwhile, and not after", async (t) => {
      const { client, connection } = await connectedPair(t);
      await connection.write(1, "");
      await turns();
      await assert.rejects(client.read({ signal: AbortSignal.abort(given) }), given);

      const after = new AbortController();
      assert.equal((await client.read({ signal: after.signal })).type, 1);
      after.abort(given);

      const meanwhile = new AbortController();
      const aborted = client.read({ signal: meanwhile.signal });
      const next = client.read();
      meanwhile.abort(given);
      await connection.write(2, "");
      await assert.rejects(aborted, given);
      assert.equal((await next).type, 2, "no message was lost by it");
    });

    test("rejects if its options are wrong, and takes no message", async (t) => {
      const { client, connection } = await connectedPair(t);
      await connection.write(1, "");
      await turns();
      await assert.rejects(client.read({ timeoutMs: -1 }), { code: "ERR_INVALID_OPTION" });
      await assert.rejects(client.read({ timeout: 5 } as object), { code: "ERR_INVALID_OPTION" });
      assert.equal((await client.read()).type, 1);
    });

    test("comes before the listeners, who get what nobody waits for", async (t) => {
      const { client, connection } = await connectedPair(t);
      const heard = record<Message>(client, "message");
      const reading = client.read();
      await connection.write(1, "");
      await connection.write(2, "");
      assert.equal((await reading).type, 1);
      await until(() => heard.length === 1);
      assert.equal(heard[0]?.type, 2);
    });

    test("gives data that stay as they are while more arrives", async (t) => {
      const { client, connection } = await connectedPair(t, {
        server: { encryption: false },
        client: { encryption: false },
      });
      const kept: Uint8Array[] = [];
      client.on("message", ({ data }) => kept.push(data));
      for (let index = 0; index < 500; index++) await connection.write(1, pattern(700, index));
      await until(() => kept.length === 500);
      kept.forEach((data, index) => {
        assert.ok(Buffer.from(data).equals(pattern(700, index)));
      });
    });
  });
});

onEachWire((wire, { connectedPair }) => {
  describe(`reading at the end (${wire})`, { timeout }, () => {
    test("gives all that arrived before it, then says that it is closed", async (t) => {
      const { client, connection } = await connectedPair(t);
      for (let type = 1; type <= 3; type++) await client.write(type, "");
      assert.equal((await connection.read()).type, 1);
      const closed = nextEvent(connection, "close");
      await client.close();
      await closed;
      assert.equal((await connection.read()).type, 2);
      assert.equal((await connection.read()).type, 3);
      await assert.rejects(connection.read(), { code: "ERR_CLOSED" });
      await assert.rejects(connection.read({ timeoutMs: 1 }), { code: "ERR_CLOSED" });
    });

    test("by iteration gives all that arrived before it, and stops", async (t) => {
      const { client, connection } = await connectedPair(t);
      const types: number[] = [];
      const iterating = (async () => {
        for await (const { type } of connection) types.push(type);
      })();
      for (let type = 1; type <= 100; type++) await client.write(type, pattern(1_000));
      await client.close();
      await iterating;
      assert.deepEqual(
        types,
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
    });

    test("by iteration throws what the connection failed for, after what arrived before", async (t) => {
      const { server, client, connection } = await connectedPair(t, { client: { maxMessageBytes: 100 } });
      assert.equal(server.status, "listening");
      await client.write(1, "before");
      const types: number[] = [];
      await assert.rejects(async () => {
        for await (const { type } of connection) {
          types.push(type);
          connection.destroy(given);
        }
      }, given);
      assert.deepEqual(types, [1]);
    });

    test("by iteration of a server stops when that is closed, and throws when it is destroyed with an error", async (t) => {
      for (const error of [undefined, given]) {
        const { server } = await connectedPair(t);
        const iterating = (async () => {
          for await (const _ of server);
        })();
        const ended =
          error === undefined ? iterating : assert.rejects(iterating, (thrown) => thrown === error);
        if (error === undefined) void server.close();
        else server.destroy(error);
        await ended;
        await server.close();
      }
    });

    test("of a client drops what was not read if it is closed", async (t) => {
      const { client, connection } = await connectedPair(t);
      await connection.write(1, "");
      await turns();
      await client.close();
      await assert.rejects(client.read(), { code: "ERR_CLOSED" });
      assert.deepEqual(await client[Symbol.asyncIterator]().next(), { done: true, value: undefined });
    });

    test("gives nothing that came after the close, however much waited", async (t) => {
      const { client, peer } = await clientOfRaw(t, { maxQueuedBytes: 1_000, closeTimeoutMs: 20 });
      for (let type = 1; type <= 50; type++) peer.send(plainWire.message(type, pattern(500)));
      await turns();
      const heard = record<Message>(client, "message");
      const closing = client.close();
      await assert.rejects(client.read(), { code: "ERR_CLOSED" });
      await closing;
      assert.deepEqual(heard, []);
      await assert.rejects(client.read(), { code: "ERR_CLOSED" });
    });

    test("rejects all who wait", async (t) => {
      const { client, connection, server } = await connectedPair(t);
      const reads = [client.read(), client.read({ timeoutMs: 60_000 }), connection.read(), server.read()];
      const rejected = reads.map((read) => assert.rejects(read, { code: "ERR_CLOSED" }));
      await client.close();
      await server.close();
      await Promise.all(rejected);
    });

    test("waits across a reconnect: it is no end", async (t) => {
      const { client, connection } = await connectedPair(t);
      const reading = client.read();
      connection.destroy();
      assert.equal(await isSettled(reading), false);
    });
  });
});
