import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectedPair } from "../support/endpoints.ts";

describe("a handler of streams of any type", () => {
  test("gets those that no other handles: a connection's before its server's", async (t) => {
    const { client, server } = await connectedPair(t);
    const [connection] = server.connections;
    server.handleStream(1, async (stream) => void stream.write("server's 1"));
    server.handleAnyStream(async (stream) => void stream.write(`server's any ${stream.type}`));
    const answerTo = async (type: number): Promise<string | undefined> =>
      (await (await client.openStream(type, "")).read())?.text;
    assert.deepEqual([await answerTo(1), await answerTo(7)], ["server's 1", "server's any 7"]);
    const remove = connection?.handleAnyStream(
      async (stream) => void stream.write(`connection's ${stream.type}`),
    );
    assert.deepEqual([await answerTo(1), await answerTo(7)], ["server's 1", "connection's 7"]);
    remove?.();
    assert.equal(await answerTo(7), "server's any 7");
    assert.throws(() => server.handleAnyStream(async () => {}), { code: "ERR_INVALID_ARGUMENT" });
    assert.throws(() => client.handleAnyStream("no function" as never), { code: "ERR_INVALID_ARGUMENT" });
  });

  test("of a client gets those of its server", async (t) => {
    const { client, server } = await connectedPair(t);
    client.handleAnyStream(async (stream) => void stream.write(`client's ${stream.type}`));
    const stream = await server.connections[0]?.openStream(9, "");
    assert.equal((await stream?.read())?.text, "client's 9");
  });
});
