import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPair } from "../support/engine-pair.ts";
import { thrownCode } from "../support/engine-probe.ts";
import { fixedCrypto } from "../support/fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "../support/hand-made-peer.ts";

/** Its key stands so many payloads, the maximum size among them. */
function pairWith(atClient: number, atServer: number) {
  const crypto = (privateKey: Uint8Array, randomNoncesPerKey: number) => ({
    ...fixedCrypto({ privateKey }),
    randomNoncesPerKey,
  });
  return openPair({
    client: { encryption: true, crypto: crypto(clientPrivateKey, atClient) },
    server: { encryption: true, crypto: crypto(serverPrivateKey, atServer) },
  });
}

const message = Uint8Array.of(7);

describe("a classic engine whose key has sealed all that it may", () => {
  test("closes in order after the last message, which arrives, and says why", () => {
    const { client, server } = pairWith(4, 1_000);
    for (const type of [1, 2]) client.send(type, message);
    assert.deepEqual([client.state, client.engine.isSpent], ["open", false]);
    client.send(3, message);
    assert.equal(client.engine.isSpent, true);
    assert.equal(
      thrownCode(() => client.send(4, message)),
      "ERR_CLOSED",
    );
    server.receive(Uint8Array.from(client.takeWrites().flatMap((write) => [...write])));
    assert.equal(client.state, "closing");
    assert.deepEqual(server.events, ["message 1: 07", "message 2: 07", "message 3: 07"]);
    server.end();
    client.end();
    assert.deepEqual(server.events.at(-1), "closed");
    assert.deepEqual(client.events, ["closed ERR_KEY_EXHAUSTED"]);
  });

  test("closes after a message that it receives too, as both ends seal with the one key", () => {
    const pair = pairWith(4, 1_000);
    for (const type of [1, 2, 3]) pair.server.send(type, message);
    pair.run();
    assert.deepEqual(pair.client.events, [
      "message 1: 07",
      "message 2: 07",
      "message 3: 07",
      "closed ERR_KEY_EXHAUSTED",
    ]);
  });

  test("counts what both ends have sealed, so that both come to the end together", () => {
    const pair = pairWith(5, 5);
    pair.client.send(1, message);
    pair.run();
    pair.server.send(2, message);
    pair.run();
    pair.client.send(3, message);
    pair.run();
    assert.deepEqual([pair.client.state, pair.server.state], ["open", "open"]);
    pair.server.send(4, message);
    pair.run();
    assert.deepEqual(pair.client.events, ["message 2: 07", "message 4: 07", "closed ERR_KEY_EXHAUSTED"]);
    assert.deepEqual(pair.server.events, ["message 1: 07", "message 3: 07", "closed ERR_KEY_EXHAUSTED"]);
  });
});

test("an engine on the native profile goes on with another key instead", () => {
  const crypto = (privateKey: Uint8Array) => ({ ...fixedCrypto({ privateKey }), randomNoncesPerKey: 4 });
  const pair = openPair({
    client: { encryption: true, native: {}, crypto: crypto(clientPrivateKey) },
    server: { encryption: true, native: {}, crypto: crypto(serverPrivateKey) },
  });
  for (let type = 1; type <= 20; type++) {
    pair.client.send(type, message);
    pair.run();
  }
  assert.equal(pair.server.events.length, 20);
  assert.equal(pair.client.engine.isSpent, false);
});
