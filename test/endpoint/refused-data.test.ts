import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pattern } from "../support/bytes.ts";
import { clientAt, freshServer, profiles } from "../support/endpoints.ts";
import { record } from "../support/waiting.ts";

const timeout = 60_000;

function detached(): Uint8Array {
  const data = pattern(20);
  structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
  return data;
}

/** Says that it has more than it has. */
class Longer extends Uint8Array {
  override get length(): number {
    return 600;
  }
}

for (const wire of profiles) {
  const title = `${wire.profile}, ${wire.encryption ? "encrypted" : "plain"}`;
  describe(`data that are none (${title})`, { timeout }, () => {
    test("are refused by write, and nothing of the message is sent", async (t) => {
      const server = await freshServer(t, wire);
      const client = await clientAt(t, server.name, wire);
      const messages = record<{ type: number; text: string }>(server, "message");
      for (let count = 0; count < 40; count++) void client.write(1, "before");
      assert.throws(() => client.write(2, detached()), { code: "ERR_INVALID_ARGUMENT" });
      void client.write(3, "behind it");
      await client.flush();
      await client.close();
      assert.deepEqual(new Set(messages.map(({ type }) => type)), new Set([1, 3]));
      assert.equal(messages.length, 41);
    });

    test("that only lie about their length are sent as what they are", async (t) => {
      const server = await freshServer(t, wire);
      const client = await clientAt(t, server.name, wire);
      for (let count = 0; count < 40; count++) void client.write(1, "x".repeat(600));
      void client.write(2, new Longer(pattern(4)));
      void client.write(3, "behind it");
      for (let count = 0; count < 40; count++) await server.read();
      assert.deepEqual((await server.read()).data, pattern(4));
      assert.equal((await server.read()).text, "behind it");
    });
  });
}

describe("a request with data that are none", { timeout }, () => {
  test("is rejected, and no handler runs for it, nor later", async (t) => {
    const server = await freshServer(t);
    const client = await clientAt(t, server.name);
    let ran = 0;
    server.handle(1, () => {
      ran += 1;
      return "";
    });
    await assert.rejects(client.request(1, detached()), { code: "ERR_INVALID_ARGUMENT", fault: "caller" });
    await client.request(1, "another");
    assert.equal(ran, 1);
  });

  test("is a failure of the handler that answers with such data", async (t) => {
    const server = await freshServer(t);
    const client = await clientAt(t, server.name);
    server.handle(1, () => detached());
    await assert.rejects(client.request(1, ""), { code: "ERR_HANDLER_FAILED", name: "RemoteError" });
    server.handle(2, () => new Longer(pattern(4)));
    assert.deepEqual((await client.request(2, "")).data, pattern(4));
  });
});
