import assert from "node:assert/strict";
import { describe, mock, type TestContext, test } from "node:test";
import type { PeerError, Server } from "sealpipe";
import { nodeCrypto } from "#dist/crypto/node.js";
import { HandshakeTurns } from "#dist/endpoint/driver/handshake-turns.js";
import { concat } from "../support/bytes.ts";
import { freshServer } from "../support/endpoints.ts";
import { clientPublicKey } from "../support/hand-made-peer.ts";
import { accepted, confirmation, RawPeer, receiveFrame } from "../support/raw-peer.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";
import { nextEvent, turns, until } from "../support/waiting.ts";

const helloBytes = 2;
const keyBytes = 97;
const nativeConfirmation = Uint8Array.of(1);
const count = 40;

/**
 * What a server of this process computes for handshakes on its event loop, in which turns it computes HMACs, and how often a
 * handshake waited for its turn. A key pair that was made ahead costs it nothing.
 */
function watch(t: TestContext) {
  const steps: { readonly step: "key pair" | "key pair made ahead" | "agreement"; readonly turn: number }[] =
    [];
  let turn = 0;
  let counting = true;
  const nextTurn = (): void => {
    turn += 1;
    if (counting) setImmediate(nextTurn);
  };
  nextTurn();
  const { generateKeyPair, hmacSha256 } = nodeCrypto;
  const secretsAt: number[] = [];
  const secrets = mock.method(nodeCrypto, "hmacSha256", (key: Uint8Array, data: readonly Uint8Array[]) => {
    secretsAt.push(turn);
    return hmacSha256(key, data);
  });
  const waits = mock.method(HandshakeTurns.prototype, "wait");
  const keyPairs = mock.method(nodeCrypto, "generateKeyPair", () => {
    const keyPair = generateKeyPair();
    const { publicKey, deriveSharedSecret } = keyPair;
    steps.push({ step: "deriveElsewhere" in keyPair ? "key pair made ahead" : "key pair", turn });
    // Not `deriveElsewhere`: where Node has that, there is nothing to see here.
    return {
      publicKey,
      deriveSharedSecret(peerPublicKey: Uint8Array) {
        steps.push({ step: "agreement", turn });
        return deriveSharedSecret(peerPublicKey);
      },
    };
  });
  t.after(() => {
    counting = false;
    waits.mock.restore();
    keyPairs.mock.restore();
    secrets.mock.restore();
  });
  return { steps, secretsAt, waits: () => waits.mock.callCount() };
}

const dropAfter =
  (t: TestContext) =>
  (peer: RawPeer): RawPeer => {
    t.after(() => peer.destroy());
    return peer;
  };

async function connect(t: TestContext, { address }: Server): Promise<RawPeer> {
  const peer = dropAfter(t)(await RawPeer.connect(address));
  await peer.receive(helloBytes);
  return peer;
}

async function connectAll(t: TestContext, server: Server): Promise<RawPeer[]> {
  const peers: RawPeer[] = [];
  while (peers.length < count) peers.push(await connect(t, server));
  return peers;
}

describe("a server's costly steps", { timeout: 60_000 }, () => {
  test("are one in each turn of the event loop at most, also if a peer sends its answer and its key in one write", async (t) => {
    const { steps } = watch(t);
    const server = await freshServer(t);
    const peers = await connectAll(t, server);
    for (const peer of peers) peer.send(concat(accepted, clientPublicKey));
    await until(() => steps.length === 2 * count);
    const costly = steps.filter(({ step }) => step !== "key pair made ahead");
    assert.ok(
      costly.length >= count && costly.length <= count + 1,
      "at most the process's first key pair is made here",
    );
    assert.equal(new Set(costly.map(({ turn }) => turn)).size, costly.length);
  });

  test("are one in each turn, too, if many native clients confirm at once", async (t) => {
    const server = await freshServer(t);
    const peers = await connectAll(t, server);
    for (const peer of peers) peer.send(concat(accepted, clientPublicKey));
    for (const peer of peers) {
      await peer.receive(keyBytes);
      await receiveFrame(peer);
    }
    const { secretsAt, waits } = watch(t);
    for (const peer of peers) peer.send(nativeConfirmation);
    await until(() => waits() === count);
    const hmacs = 9;
    await until(() => secretsAt.length === hmacs * count);
    assert.equal(new Set(secretsAt).size, count);
  });

  test("are not asked for by a key that comes byte by byte, and a newcomer does not wait for those that send it so", async (t) => {
    const { steps, waits } = watch(t);
    const server = await freshServer(t);
    const peers = await connectAll(t, server);
    for (const peer of peers) peer.send(accepted);
    for (const peer of peers) await peer.receive(keyBytes);
    for (const byte of clientPublicKey.subarray(0, 20)) {
      for (const peer of peers) peer.send(Uint8Array.of(byte));
      await turns(2);
    }
    assert.equal(waits(), count, "one for each key pair");
    const connected = nextEvent(server, "connection");
    const newcomer = dropAfter(t)(await RawPeer.connect(server.address));
    await openWireAsClient(newcomer, true);
    await connected;
    assert.equal(steps.length, count + 2);
  });

  test("come soon for a newcomer, though many wait that came before, at each of the two steps", async (t) => {
    const { steps, waits } = watch(t);
    const server = await freshServer(t);
    const [newcomer = assert.fail(), ...peers] = await connectAll(t, server);
    const begun = peers.slice(count / 2);
    for (const peer of begun) peer.send(accepted);
    for (const peer of begun) await peer.receive(keyBytes);
    // All at once: those that have held their key back, and those that have yet to answer.
    const before = steps.length;
    for (const peer of peers) peer.send(begun.includes(peer) ? clientPublicKey : accepted);
    await until(() => waits() === peers.length + begun.length);
    const connected = nextEvent(server, "connection");
    newcomer.send(accepted);
    await newcomer.receive(keyBytes);
    newcomer.send(clientPublicKey);
    await receiveFrame(newcomer);
    newcomer.send(confirmation);
    await connected;
    const taken = steps.length - before;
    t.diagnostic(`the newcomer was in after ${taken} of ${peers.length + 2} steps`);
    assert.ok(taken < peers.length);
  });

  test("are not for nothing: a handshake that has had one gives way as late as one that has just begun", async (t) => {
    const came = mock.method(HandshakeTurns.prototype, "clientCame");
    t.after(() => came.mock.restore());
    const server = await freshServer(t, { maxPendingHandshakes: 2 });
    const gaveWay = nextEvent<[PeerError]>(server, "error");
    const begun = await connect(t, server);
    const silent = await connect(t, server);
    begun.send(accepted);
    await begun.receive(keyBytes);
    assert.equal(came.mock.callCount(), 2);
    await connect(t, server);
    const [error] = await gaveWay;
    assert.equal(error.code, "ERR_TOO_MANY_HANDSHAKES");
    assert.equal((await silent.receiveToEnd()).length, 0);
    assert.equal(came.mock.callCount(), 2, "one for which another gave way is not hurried for");
  });
});
