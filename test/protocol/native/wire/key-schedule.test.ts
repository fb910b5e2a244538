import assert from "node:assert/strict";
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import {
  deriveNativeSecrets,
  deriveTrafficKeys,
  hashTranscript,
  nativeNonce,
  nextTrafficSecret,
  resumptionProof,
} from "#dist/protocol/native/wire/key-schedule.js";
import { concat, flipBit, hex, pattern, toHex } from "../../../support/bytes.ts";
import { clientPublicKey, serverPublicKey } from "../../../support/hand-made-peer.ts";

const text = (characters: string) => new TextEncoder().encode(characters);
const sharedSecret = pattern(48);
const transcript = pattern(32, 1);

/** RFC 5869 in one go, by Node's own: another implementation than ours, which makes it of HMACs. */
function hkdf(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): string {
  return toHex(new Uint8Array(hkdfSync("sha256", ikm, salt, info, length)));
}

/** What the spec's "Native key schedule" says, for a whole Extract and Expand. */
function expected(label: string, presharedKey: Uint8Array): string {
  const early = createHmac("sha256", text("sealpipe native 1")).update(presharedKey).digest();
  return hkdf(sharedSecret, early, concat(text(label), transcript), 32);
}

describe("the nonce by which a server says that it is native", () => {
  test("is the beginning of a hash of both public keys", () => {
    const hash = createHash("sha256").update(
      concat(text("sealpipe native 1"), serverPublicKey, clientPublicKey),
    );
    const nonce = nativeNonce(serverPublicKey, clientPublicKey, nodeCrypto);
    assert.equal(toHex(nonce), toHex(hash.digest().subarray(0, 12)));
    assert.equal(nonce.buffer.byteLength, 12, "it holds on to nothing else");
  });

  test("is another if the sides change places", () => {
    assert.notDeepEqual(
      nativeNonce(serverPublicKey, clientPublicKey, nodeCrypto),
      nativeNonce(clientPublicKey, serverPublicKey, nodeCrypto),
    );
  });
});

describe("the transcript", () => {
  test("is a hash of every byte of the handshake", () => {
    const maximumSizeFrame = pattern(36, 2);
    const all = concat(hex("02 01 00"), serverPublicKey, clientPublicKey, maximumSizeFrame, hex("01"));
    const hash = hashTranscript({ serverPublicKey, clientPublicKey, maximumSizeFrame }, nodeCrypto);
    assert.equal(toHex(hash), toHex(createHash("sha256").update(all).digest()));
  });
});

describe("the secrets of a connection", () => {
  const ways: readonly (readonly [string, Uint8Array | undefined, Uint8Array])[] = [
    ["without a secret", undefined, hex("00")],
    ["with a secret", text("open sesame"), concat(hex("01"), text("open sesame"))],
  ];
  for (const [name, secret, presharedKey] of ways) {
    test(`${name} are what HKDF makes of them`, () => {
      const secrets = deriveNativeSecrets({ sharedSecret, transcript, secret }, nodeCrypto);
      assert.equal(toHex(secrets.client), expected("client", presharedKey));
      assert.equal(toHex(secrets.server), expected("server", presharedKey));
      assert.equal(toHex(secrets.resumptionKey), expected("resumption", presharedKey));
    });
  }

  test("are others with any bit of what they come from changed", () => {
    const from = { sharedSecret, transcript, secret: hex("aa") };
    const seen = new Set<string>();
    for (const changed of [
      from,
      { ...from, sharedSecret: flipBit(sharedSecret, 383) },
      { ...from, transcript: flipBit(transcript, 0) },
      { ...from, secret: hex("ab") },
      { ...from, secret: hex("aa 00") },
      { ...from, secret: undefined },
    ]) {
      for (const secret of Object.values(deriveNativeSecrets(changed, nodeCrypto))) seen.add(toHex(secret));
    }
    assert.equal(seen.size, 6 * 3);
  });

  test("keep a leading zero byte of the shared secret, which the classic key drops", () => {
    const withZero = concat(hex("00"), pattern(47, 3));
    const without = withZero.subarray(1);
    assert.notDeepEqual(
      deriveNativeSecrets({ sharedSecret: withZero, transcript, secret: undefined }, nodeCrypto),
      deriveNativeSecrets({ sharedSecret: without, transcript, secret: undefined }, nodeCrypto),
    );
  });

  test("leave nothing behind of what they were made with, and the caller's as it was", () => {
    const made: Uint8Array[] = [];
    const watched: CryptoProvider = {
      ...nodeCrypto,
      hmacSha256(key, data) {
        const result = nodeCrypto.hmacSha256(key, data);
        made.push(result);
        return result;
      },
    };
    const secret = text("open sesame");
    const secrets = deriveNativeSecrets({ sharedSecret, transcript, secret }, watched);
    const left = made.filter((bytes) => bytes.some((byte) => byte !== 0));
    assert.deepEqual(left, [secrets.client, secrets.server, secrets.resumptionKey]);
    assert.equal(made.length, 5);
    assert.deepEqual(secret, text("open sesame"));
    assert.deepEqual(sharedSecret, pattern(48));
  });
});

describe("a traffic secret", () => {
  const secret = pattern(32, 4);
  const expand = (info: string, length: number): string => {
    const block = createHmac("sha256", secret).update(text(info)).update(hex("01")).digest();
    return toHex(block.subarray(0, length));
  };

  test("gives a key and an IV", () => {
    const { key, iv } = deriveTrafficKeys(secret, nodeCrypto);
    assert.equal(toHex(key), expand("key", 32));
    assert.equal(toHex(iv), expand("iv", 12));
    assert.equal(iv.buffer.byteLength, 12, "it holds on to nothing else");
  });

  test("gives the one that follows", () => {
    assert.equal(toHex(nextTrafficSecret(secret, nodeCrypto)), expand("next", 32));
  });
});

describe("the proof of a side that resumes", () => {
  const parts = {
    resumptionKey: pattern(32, 5),
    transcript,
    sessionId: pattern(16, 6),
    received: [1, 2, 3] as const,
  };
  const received = hex("0000000000000001 0000000000000002 0000000000000003");

  for (const side of ["client", "server"] as const) {
    test(`is an HMAC of all that it says (${side})`, () => {
      const hmac = createHmac("sha256", parts.resumptionKey);
      hmac.update(concat(text(side), transcript, parts.sessionId, received));
      assert.equal(toHex(resumptionProof(side, parts, nodeCrypto)), toHex(hmac.digest()));
    });
  }

  test("is another for anything else that it says", () => {
    const proofs = [
      resumptionProof("client", parts, nodeCrypto),
      resumptionProof("server", parts, nodeCrypto),
      ...[
        { ...parts, resumptionKey: pattern(32, 7) },
        { ...parts, transcript: hex("") },
        { ...parts, sessionId: pattern(16, 8) },
        { ...parts, received: [1, 2, 4] as const },
      ].map((changed) => resumptionProof("client", changed, nodeCrypto)),
    ];
    assert.equal(new Set(proofs.map(toHex)).size, proofs.length);
  });
});
