import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { frameHeaderBytes } from "#dist/protocol/native/wire/frame.js";
import {
  type ClientSession,
  decodeNativeHello,
  encodeNativeHello,
  type NativeHello,
  type ServerSession,
} from "#dist/protocol/native/wire/hello.js";
import {
  deriveNativeSecrets,
  deriveTrafficKeys,
  hashTranscript,
  nativeNonce,
  nextTrafficSecret,
  resumptionProof,
} from "#dist/protocol/native/wire/key-schedule.js";
import { RecordReader, RecordWriter, recordsPerKey } from "#dist/protocol/native/wire/record.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, pattern, toHex } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { HandshakeEnd, runTogether } from "../../support/handshake-pair.ts";
import {
  type NativeDirection,
  type NativeHelloVector,
  type NativeKeyVector,
  type NativeRecordVector,
  nativeFeatures,
  nativeHellos,
  nativeKeys,
  nativeRecords,
} from "../../support/vectors.ts";

const compact = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? "nothing" : toHex(bytes).replaceAll(" ", "");
const optional = (text: string | undefined) => (text === undefined ? undefined : hex(text));

describe("native-key-schedule.json", () => {
  for (const vector of nativeKeys) {
    test(`has our nonce, transcript and secrets: ${vector.name}`, () => {
      const serverPublicKey = hex(vector.serverPublicKey);
      const clientPublicKey = hex(vector.clientPublicKey);
      const maximumSizeFrame = hex(vector.maximumSizeFrame);
      assert.equal(compact(nativeNonce(serverPublicKey, clientPublicKey, nodeCrypto)), vector.nonce);
      const transcript = hashTranscript({ serverPublicKey, clientPublicKey, maximumSizeFrame }, nodeCrypto);
      assert.equal(compact(transcript), vector.transcript);
      const source = { sharedSecret: hex(vector.sharedSecret), transcript, secret: optional(vector.secret) };
      const secrets = deriveNativeSecrets(source, nodeCrypto);
      assert.equal(compact(secrets.resumptionKey), vector.resumptionKey);
      checkDirection(secrets.client, vector.client);
      checkDirection(secrets.server, vector.server);
    });

    test(`has our proofs: ${vector.name}`, () => {
      const resumptionKey = hex(vector.resumptionKey);
      const transcript = hex(vector.transcript);
      for (const { side, sessionId, received, proof } of vector.proofs) {
        const parts = { resumptionKey, transcript, sessionId: hex(sessionId), received };
        assert.equal(compact(resumptionProof(side, parts, nodeCrypto)), proof);
      }
    });

    test(`is what two ends come to: ${vector.name}`, () => {
      const { client, server } = shakeHandsAs(vector);
      assert.equal(compact(server.written[2]), vector.maximumSizeFrame);
      for (const { native } of [client, server]) {
        assert.equal(compact(native?.transcript), vector.transcript);
        assert.equal(compact(native?.resumptionKey), vector.resumptionKey);
      }
    });
  }

  test("has shared secrets with leading zeros, and ends with and without a secret", () => {
    assert.ok(nativeKeys.some(({ sharedSecret }) => sharedSecret.startsWith("00")));
    assert.deepEqual(new Set(nativeKeys.map(({ secret }) => secret === undefined)), new Set([true, false]));
  });
});

function checkDirection(first: Uint8Array, expected: NativeDirection): void {
  let secret = first;
  assert.ok(expected.secrets.length > 1);
  for (const [index, expectedSecret] of expected.secrets.entries()) {
    assert.equal(compact(secret), expectedSecret);
    const { key, iv } = deriveTrafficKeys(secret, nodeCrypto);
    assert.equal(compact(key), expected.keys[index]);
    assert.equal(compact(iv), expected.ivs[index]);
    secret = nextTrafficSecret(secret, nodeCrypto);
  }
}

function shakeHandsAs(vector: NativeKeyVector): { client: HandshakeEnd; server: HandshakeEnd } {
  const end = (side: "client" | "server") =>
    new HandshakeEnd(side, {
      crypto: fixedCrypto({ privateKey: hex(vector[`${side}PrivateKey`]) }),
      secret: optional(vector.secret),
      maxMessageBytes: vector.maxMessageBytes,
    });
  const pair = { client: end("client"), server: end("server") };
  runTogether(pair.client, pair.server);
  return pair;
}

type RecordEntry = NativeRecordVector["records"][number];

function framesOf({ frames, framesPattern }: RecordEntry): Uint8Array {
  if (frames !== undefined) return hex(frames);
  assert.ok(framesPattern);
  return pattern(framesPattern.bytes, framesPattern.seed);
}

function keysOf({ trafficSecret }: NativeRecordVector) {
  return trafficSecret === undefined ? undefined : { trafficSecret: hex(trafficSecret), crypto: nodeCrypto };
}

describe("native-records.json", () => {
  for (const vector of nativeRecords) {
    test(`is written and read so: ${vector.name}`, () => {
      const writer = new RecordWriter(keysOf(vector), vector.recordsPerKey);
      const reader = new RecordReader(keysOf(vector), vector.recordsPerKey);
      const input = new ReceiveBuffer();
      for (const [index, entry] of vector.records.entries()) {
        assert.equal(entry.number, index);
        const frames = framesOf(entry);
        const record = concat(...writer.write([frames.subarray(0, 1), frames.subarray(1)]));
        checkRecord(record, entry);
        input.push(record);
        assert.equal(compact(reader.read(input)?.bytes), compact(frames));
      }
    });

    for (const { name, numbers, outcome } of vector.refused ?? []) {
      test(`comes to ${outcome}: ${vector.name} ${name}`, () => {
        const reader = new RecordReader(keysOf(vector), vector.recordsPerKey);
        const input = new ReceiveBuffer();
        for (const number of numbers) input.push(hex(vector.records[number]?.record ?? ""));
        const readAll = () => {
          while (reader.read(input) !== undefined);
        };
        assert.equal(thrownCode(readAll), outcome);
      });
    }
  }

  test("has plain records, the usual change of the key, and earlier ones", () => {
    const changes = nativeRecords.map((vector) => vector.recordsPerKey);
    assert.ok(changes.includes(recordsPerKey));
    assert.ok(changes.some((count) => count < 5));
    assert.ok(nativeRecords.some(({ trafficSecret }) => trafficSecret === undefined));
  });
});

function checkRecord(record: Uint8Array, entry: RecordEntry): void {
  if (entry.record !== undefined) {
    assert.equal(compact(record), entry.record);
    return;
  }
  assert.equal(record.length, entry.recordBytes);
  assert.equal(createHash("sha256").update(record).digest("hex"), entry.recordSha256);
}

for (const [file, vectors] of [
  ["native-hello.json", nativeHellos],
  ["native-features.json", nativeFeatures],
] as const) {
  describe(file, () => {
    for (const { name, from, frame, hello, body, outcome } of vectors) {
      if (hello !== undefined) {
        test(`is written and read so: ${name}`, () => {
          assert.equal(compact(encodeNativeHello(helloOf(hello))), frame);
          assert.deepEqual(
            decodeNativeHello(hex(frame ?? "").subarray(frameHeaderBytes), from),
            helloOf(hello),
          );
        });
      } else {
        test(`comes to ${outcome}: ${name}`, () => {
          const decode = () => decodeNativeHello(hex(body ?? "missing"), from);
          assert.equal(thrownCode(decode), outcome);
        });
      }
    }

    test("has what is refused", () => {
      assert.ok(vectors.some(({ outcome }) => outcome === "ERR_FRAME_INVALID"));
    });
  });
}

test("hellos in the vectors have every session of both sides, with and without offers", () => {
  const all = [...nativeHellos, ...nativeFeatures];
  const sessions = new Set(all.map(({ from, hello }) => `${from} ${hello?.session}`));
  for (const session of ["none", "new", "resume"]) assert.ok(sessions.has(`client ${session}`), session);
  for (const session of ["none", "new", "resumed", "refused"])
    assert.ok(sessions.has(`server ${session}`), session);
  assert.ok(nativeHellos.every(({ hello }) => hello?.offers === undefined));
  assert.ok(nativeFeatures.some(({ hello }) => (hello?.offers?.contracts.length ?? 0) > 1));
});

function helloOf(given: NonNullable<NativeHelloVector["hello"]>): NativeHello {
  const { session, sessionId, received, proof, code, message, offers, ...rest } = given;
  const fields = { sessionId: optional(sessionId), received, proof: optional(proof), code, message };
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const hello = { ...rest, session: { kind: session, ...present } as ClientSession | ServerSession };
  if (offers === undefined) return hello;
  const contracts = offers.contracts.map((contract) => ({ ...contract, hash: hex(contract.hash) }));
  return { ...hello, offers: { ...offers, contracts } };
}
