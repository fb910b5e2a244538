import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { deriveTrafficKey } from "#dist/protocol/classic/key-schedule.js";
import { concat, hex, pattern, toHex } from "../support/bytes.ts";
import { byteAtATime, whole } from "../support/cutting.ts";
import { EngineProbe, eventText } from "../support/engine-probe.ts";
import { fixedCrypto, fixedKeyPair } from "../support/fixed-crypto.ts";
import { plainWire, SealedWire } from "../support/hand-made-peer.ts";
import {
  badFrames,
  type FrameVector,
  frames,
  type HandshakeVector,
  handshakes,
  type KeyAgreementVector,
  keyAgreements,
} from "../support/vectors.ts";

const compact = (bytes: Uint8Array) => toHex(bytes).replaceAll(" ", "");

describe("key-agreement.json", () => {
  for (const vector of keyAgreements) {
    test(`from both sides: ${vector.name}`, () => {
      const server = fixedKeyPair(hex(vector.serverPrivateKey));
      const client = fixedKeyPair(hex(vector.clientPrivateKey));
      assert.equal(compact(server.publicKey), vector.serverPublicKey);
      assert.equal(compact(client.publicKey), vector.clientPublicKey);
      for (const secret of [
        server.deriveSharedSecret(client.publicKey),
        client.deriveSharedSecret(server.publicKey),
      ]) {
        assert.ok(secret);
        assert.equal(compact(secret), vector.sharedSecret);
        assert.equal(compact(deriveTrafficKey(secret, nodeCrypto)), vector.key);
      }
    });
  }

  const leadingZeros = ({ sharedSecret }: KeyAgreementVector) => /^(00)*/.exec(sharedSecret)?.[0].length ?? 0;
  const withOne = keyAgreements.filter((vector) => leadingZeros(vector) === 2);
  const withTwo = keyAgreements.filter((vector) => leadingZeros(vector) === 4);

  test("has secrets with one leading zero byte and with two", () => {
    assert.ok(withOne.length > 0);
    assert.ok(withTwo.length > 0);
    assert.ok(keyAgreements.every(({ sharedSecret }) => sharedSecret.length === 96));
  });

  for (const { name, sharedSecret, sharedSecretMinimal, key } of [...withOne, ...withTwo]) {
    test(`would have another key if the zeros were kept: ${name}`, () => {
      assert.notEqual(compact(nodeCrypto.sha256(hex(sharedSecret))), key);
      assert.equal(compact(nodeCrypto.sha256(hex(sharedSecretMinimal))), key);
    });
  }
});

/** An engine that plays one role of the vector, and what the other role says to it and hears from it. */
function replay(vector: HandshakeVector, role: "server" | "client", cutting = whole): EngineProbe {
  const ownKey = vector[`${role}PrivateKey`];
  const probe = new EngineProbe({
    role,
    encryption: role === "server" ? vector.encrypted : vector.clientInsistsOnEncryption,
    limits: { maxMessageBytes: vector.maxMessageBytes },
    crypto: fixedCrypto({
      privateKey: hex(ownKey ?? "11".repeat(48)),
      nonces: vector.nonce === undefined ? [] : [hex(vector.nonce)],
    }),
  });
  const written: string[] = [];
  for (const { from, bytes } of vector.steps) {
    if (from !== role) probe.receive(hex(bytes), cutting);
    written.push(...probe.takeWrites().map(compact));
  }
  const own = vector.steps.filter(({ from }) => from === role).map(({ bytes }) => bytes);
  assert.deepEqual(written, own, "each part as a write of its own");
  return probe;
}

describe("handshakes.json", () => {
  for (const vector of handshakes) {
    const roles = vector.outcomeAt === "both" ? (["server", "client"] as const) : [vector.outcomeAt];
    for (const role of roles) {
      test(`as the ${role}: ${vector.name}`, () => {
        for (const cutting of [whole, byteAtATime]) {
          const probe = replay(vector, role, cutting);
          if (vector.outcome !== "open") {
            assert.deepEqual(probe.events, [`closed ${vector.outcome}`]);
            continue;
          }
          assert.deepEqual(probe.events, [vector.encrypted ? "open encrypted" : "open plain"]);
          const wire = vector.key === undefined ? plainWire : new SealedWire(hex(vector.key));
          assert.equal(probe.receive(wire.message(5, hex("0a"))).events[1], "message 5: 0a");
        }
      });
    }
  }

  test("has both modes, and refusals by both sides", () => {
    const kinds = handshakes.map(({ encrypted, outcome }) => `${encrypted} ${outcome}`);
    for (const kind of ["true open", "false open", "true ERR_VERSION_MISMATCH"])
      assert.ok(kinds.includes(kind), kind);
    const places = new Set(handshakes.map(({ outcomeAt }) => outcomeAt));
    assert.deepEqual([...places].sort(), ["both", "client", "server"]);
  });
});

/** A server's engine whose traffic key is the vector's, and which seals with its nonce. */
function openSession(
  { key, nonce }: { key?: string; nonce?: string },
  maxMessageBytes = 3_145_728,
): EngineProbe {
  const keys = keyAgreements.find((vector) => vector.key === key);
  assert.equal(keys === undefined, key === undefined, "key-agreement.json has the key");
  const maximumSizeNonce = hex("ff".repeat(12));
  const probe = new EngineProbe({
    role: "server",
    encryption: keys !== undefined,
    limits: { maxMessageBytes },
    crypto: fixedCrypto({
      privateKey: hex(keys?.serverPrivateKey ?? "11".repeat(48)),
      nonces: nonce === undefined ? [] : [maximumSizeNonce, hex(nonce)],
    }),
  });
  probe.receive(concat(hex("00"), hex(keys?.clientPublicKey ?? ""), hex("00"))).takeWrites();
  assert.equal(probe.state, "open");
  probe.events.length = 0;
  return probe;
}

function dataOf({ data, dataPattern }: FrameVector): Uint8Array {
  if (data !== undefined) return hex(data);
  assert.ok(dataPattern);
  return pattern(dataPattern.bytes, dataPattern.seed);
}

describe("frames.json", () => {
  for (const vector of frames) {
    test(`is written and read so: ${vector.name}`, () => {
      const data = dataOf(vector);
      const probe = openSession(vector);
      probe.send(vector.type, data);
      const frame = concat(...probe.takeWrites());
      if (vector.frame !== undefined) {
        assert.equal(compact(frame), vector.frame);
      } else {
        assert.equal(frame.length, vector.frameBytes);
        assert.equal(createHash("sha256").update(frame).digest("hex"), vector.frameSha256);
      }
      const expected = eventText({ kind: "message", type: vector.type, data, position: 0 });
      assert.ok(openSession(vector).receive(frame).events[0] === expected, "the message is the same");
      if (data.length > 1_024) return;
      assert.deepEqual(openSession(vector).receive(frame, byteAtATime).events, [expected]);
    });
  }
});

describe("bad-frames.json", () => {
  for (const vector of badFrames) {
    test(`comes to ${vector.outcome}: ${vector.name}`, () => {
      for (const cutting of [whole, byteAtATime]) {
        const probe = openSession(vector, vector.maxMessageBytes).receive(hex(vector.bytes), cutting);
        if (vector.outcome === "dropped") {
          assert.equal(probe.state, "open");
          assert.deepEqual(probe.end().events, ["closed"]);
        } else {
          assert.deepEqual(probe.events, [`closed ${vector.outcome}`]);
        }
        assert.equal(probe.written(), "");
      }
    });
  }
});
