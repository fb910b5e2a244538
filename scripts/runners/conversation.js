// What an application does with sealpipe, for the tests of each runner. It throws if anything is otherwise than promised.
const assert = require("node:assert/strict");

/** @param {typeof import("sealpipe")} sealpipe */
module.exports = async function converse({ startServer, startClient, SealpipeError }, name) {
  const server = await startServer(name);
  server.handle(1, ({ text }) => `you asked: ${text}`);
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  try {
    const client = await startClient(name);
    await talk(client);
    await client.close();
    const second = await startServer(name).catch((error) => error);
    assert.ok(second instanceof SealpipeError);
    assert.equal(second.code, "ERR_ADDRESS_IN_USE");
  } finally {
    await server.close();
  }
};

async function talk(client) {
  assert.equal((await client.request(1, "why?")).text, "you asked: why?");
  // More than have a cipher of their own, so that WebAssembly and what else is loaded later have their turn.
  for (let count = 0; count < 100; count++) await client.write(5, `message ${count}`);
  for (let count = 0; count < 100; count++) {
    const { type, text } = await client.read({ timeoutMs: 10_000 });
    assert.equal(`${type} ${text}`, `5 message ${count}`);
  }
  const bytes = new Uint8Array(100_000).fill(7);
  await client.write(6, bytes);
  assert.deepEqual([...(await client.read({ timeoutMs: 10_000 })).data], [...bytes]);
}
