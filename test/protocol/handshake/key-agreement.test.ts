import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { agreeOnKeys, takePublicKey } from "#dist/protocol/handshake/key-agreement.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, toHex } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { fixedCrypto, fixedKeyPair } from "../../support/fixed-crypto.ts";
import {
  clientPrivateKey,
  clientPublicKey,
  frame,
  goTrafficKey,
  SealedWire,
  sealedWire,
  serverPrivateKey,
  serverPublicKey,
} from "../../support/hand-made-peer.ts";

const crypto = fixedCrypto({ privateKey: serverPrivateKey });

function agree(peerPublicKey: Uint8Array, privateKey = serverPrivateKey) {
  return agreeOnKeys({ keyPair: fixedKeyPair(privateKey), peerPublicKey }, crypto);
}

describe("takePublicKey", () => {
  test("waits for all 97 bytes and takes none before", () => {
    const input = new ReceiveBuffer();
    input.push(clientPublicKey.subarray(0, 96));
    assert.equal(takePublicKey(input), undefined);
    assert.equal(input.length, 96);
    input.push(concat(clientPublicKey.subarray(96), hex("0a")));
    assert.deepEqual(takePublicKey(input), clientPublicKey);
    assert.equal(input.length, 1, "what follows is left");
  });

  test("keeps nothing of the chunk that the key came in", () => {
    const chunk = Uint8Array.from(clientPublicKey);
    const input = new ReceiveBuffer();
    input.push(chunk);
    const key = takePublicKey(input);
    chunk.fill(0);
    assert.deepEqual(key, clientPublicKey);
  });
});

describe("agreeOnKeys", () => {
  test("takes the secret that was derived already, but not with our own key", () => {
    const keyPair = { ...fixedKeyPair(serverPrivateKey), deriveSharedSecret: () => assert.fail() };
    const derived = new Uint8Array(48).fill(7);
    const both = { keyPair, peerPublicKey: clientPublicKey };
    assert.equal(agreeOnKeys(both, crypto, derived).sharedSecret, derived);
    assert.throws(() => agreeOnKeys({ keyPair, peerPublicKey: serverPublicKey }, crypto, derived), {
      code: "ERR_INVALID_PUBLIC_KEY",
    });
  });

  test("gives both sides the records that golang-ipc has", () => {
    for (const keys of [agree(clientPublicKey), agree(serverPublicKey, clientPrivateKey)]) {
      assert.ok(keys);
      const { records } = keys;
      assert.equal(toHex(records.open(sealedWire.seal(hex("01")).subarray(4)).bytes), "01");
      assert.equal(toHex(sealedWire.open(frame(...records.seal([hex("02")])))), "02");
    }
  });

  test("gives the records that golang-ipc has if the secret begins with a zero byte", () => {
    // Found by trying: with the server's key the shared secret of this one is 00 25 86 90 …
    const privateKey = concat(new Uint8Array(44).fill(0x22), hex("00 00 00 b4"));
    const { publicKey, deriveSharedSecret } = fixedKeyPair(privateKey);
    assert.equal(toHex((deriveSharedSecret(serverPublicKey) ?? hex("")).subarray(0, 2)), "00 25");
    const records = agree(publicKey)?.records;
    const peer = new SealedWire(goTrafficKey(privateKey, serverPublicKey));
    assert.equal(toHex(records?.open(peer.seal(hex("01")).subarray(4)).bytes ?? hex("")), "01");
  });

  test("refuses our own key, which a peer that reflects sends back", () => {
    assert.throws(() => agree(serverPublicKey), {
      code: "ERR_INVALID_PUBLIC_KEY",
      message: /our own public key/,
    });
  });

  test("refuses what is no point on the curve", () => {
    assert.throws(() => agree(new Uint8Array(97)), {
      code: "ERR_INVALID_PUBLIC_KEY",
      message: /not an uncompressed point on the curve P-384/,
    });
    const offTheCurve = Uint8Array.from(clientPublicKey);
    offTheCurve[96] = (offTheCurve[96] as number) ^ 1;
    assert.equal(
      thrownCode(() => agree(offTheCurve)),
      "ERR_INVALID_PUBLIC_KEY",
    );
  });

  test("wipes the classic key once it is used, and leaves the shared secret, whole, to its caller", () => {
    const keys: Uint8Array[] = [];
    const watched: CryptoProvider = {
      ...nodeCrypto,
      createAead: (key) => {
        keys.push(key);
        return nodeCrypto.createAead(key);
      },
    };
    const both = { keyPair: fixedKeyPair(serverPrivateKey), peerPublicKey: clientPublicKey };
    const agreement = agreeOnKeys(both, watched);
    assert.deepEqual(keys.map(toHex), [toHex(new Uint8Array(32))]);
    assert.deepEqual(
      agreement?.sharedSecret,
      fixedKeyPair(clientPrivateKey).deriveSharedSecret(serverPublicKey),
    );
  });

  test("keeps both public keys", () => {
    const agreement = agree(clientPublicKey);
    assert.equal(toHex(agreement?.peerPublicKey ?? hex("")), toHex(clientPublicKey));
    assert.equal(toHex(agreement?.ownPublicKey ?? hex("")), toHex(serverPublicKey));
  });
});
