import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { type Connection, startClient, startServer } from "sealpipe";
import { freshName } from "../support/names.ts";

const hashOf = (byte: number) => new Uint8Array(32).fill(byte);

test("each end learns the other's codec and contracts, and none from one that has none", async () => {
  const name = freshName();
  const contracts = [{ name: "files", version: "1.2.0", hash: hashOf(1) }];
  await using server = await startServer(name, { codec: "json", contracts });
  const connected = once(server, "connection") as Promise<[Connection]>;
  await using client = await startClient(name);
  const [connection] = await connected;
  assert.equal(client.peer?.codec, "json");
  assert.deepEqual(client.peer?.contracts, contracts);
  assert.equal(connection.peer?.codec, "");
  assert.deepEqual(connection.peer?.contracts, []);
});

test("a client that comes back to another server learns that one's contracts", async () => {
  const name = freshName();
  const contractsOf = (byte: number) => [{ name: "files", version: "", hash: hashOf(byte) }];
  const first = await startServer(name, { contracts: contractsOf(1), resumeWindowMs: 0 });
  await using client = await startClient(name, { retryDelayMs: 5, contracts: contractsOf(3) });
  assert.deepEqual(client.peer?.contracts, contractsOf(1));
  await first.close();
  await using second = await startServer(name, { contracts: contractsOf(2) });
  const [connection] = (await once(second, "connection")) as [Connection];
  await client.connected();
  assert.deepEqual(client.peer?.contracts, contractsOf(2));
  assert.deepEqual(connection.peer?.contracts, contractsOf(3));
});
