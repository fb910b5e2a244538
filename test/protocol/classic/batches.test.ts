import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { ClassicProfile } from "#dist/protocol/classic/profile.js";
import { RecordProtection } from "#dist/protocol/classic/record.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { createBatch } from "../../support/batches.ts";
import { concat, flipBit, pattern, uint32 } from "../../support/bytes.ts";
import { byteAtATime } from "../../support/cutting.ts";
import { plainWire, SealedWire } from "../../support/hand-made-peer.ts";

const key = pattern(32);
const wire = new SealedWire(key);
/** Short, long and in between, in no order. */
const mixedSizes = Array.from(
  { length: 400 },
  (_, index) => [64, 0, 1_148, 1_149, 3_000, 17][index % 6] as number,
);

interface Prepared {
  readonly nonces: number;
  readonly maxPlaintextBytes: number;
}

/** Node's cryptography, and what was prepared with it. */
function watched(): { crypto: CryptoProvider; prepared: Prepared[] } {
  const prepared: Prepared[] = [];
  const createAead: CryptoProvider["createAead"] = (key) => {
    const aead = nodeCrypto.createAead(key);
    aead.createBatch = (nonces) => {
      const batch = createBatch(key, nonces);
      const prepare = batch.prepare.bind(batch);
      batch.prepare = (nonces, maxPlaintextBytes) => {
        prepared.push({ nonces: nonces.length / 12, maxPlaintextBytes });
        prepare(nonces, maxPlaintextBytes);
      };
      return batch;
    };
    return aead;
  };
  return { crypto: { ...nodeCrypto, createAead }, prepared };
}

const limits = { maxMessageBytes: 100_000, peerMaxMessageBytes: 100_000 };
const profileWith = (crypto: CryptoProvider) =>
  new ClassicProfile({ ...limits, records: new RecordProtection(key, crypto) });

function encodeAll(profile: ClassicProfile, sizes: readonly number[]): Uint8Array {
  for (const [index, size] of sizes.entries()) profile.send(index + 1, pattern(size, index));
  const writes: Uint8Array[] = [];
  for (let parts = profile.takeOutput(); parts.length > 0; parts = profile.takeOutput())
    writes.push(concat(...parts));
  return concat(...writes);
}

function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + 4 + new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0);
    frames.push(bytes.subarray(start, end));
    start = end;
  }
  return frames;
}

function frames(count: number, size = 64): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => wire.message(index + 1, pattern(size, index)));
}

function receive(
  profile: ClassicProfile,
  input: ReceiveBuffer,
): { type: number; data: Uint8Array } | undefined {
  const event = profile.receive(input);
  if (event === undefined) return undefined;
  assert.ok(event.kind === "message");
  return { type: event.type, data: event.data };
}

function decodeAll(
  profile: ClassicProfile,
  chunks: readonly Uint8Array[],
): { type: number; data: Uint8Array }[] {
  const input = new ReceiveBuffer();
  const messages: { type: number; data: Uint8Array }[] = [];
  for (const chunk of chunks) {
    input.push(chunk);
    for (let next = receive(profile, input); next !== undefined; next = receive(profile, input))
      messages.push(next);
  }
  return messages;
}

describe("sealing many messages", () => {
  test("gives frames that any golang-ipc peer opens, whatever their sizes", () => {
    const sealed = framesOf(encodeAll(profileWith(nodeCrypto), mixedSizes));
    assert.equal(sealed.length, mixedSizes.length);
    for (const [index, frame] of sealed.entries()) {
      const expected = concat(uint32(index + 1), pattern(mixedSizes[index] as number, index));
      assert.deepEqual(wire.open(frame), expected, `message ${index}`);
    }
  });

  test("never uses a nonce twice", () => {
    const sealed = framesOf(encodeAll(profileWith(nodeCrypto), [...mixedSizes, ...mixedSizes]));
    const nonces = new Set(sealed.map((frame) => frame.subarray(4, 16).join()));
    assert.equal(nonces.size, sealed.length);
  });

  test("draws no nonces beforehand for a connection that sends a few", () => {
    const { crypto, prepared } = watched();
    encodeAll(profileWith(crypto), Array(16).fill(64));
    assert.deepEqual(prepared, []);
  });

  test("then draws them for 8, and for twice as many each time, up to 64", () => {
    const { crypto, prepared } = watched();
    encodeAll(profileWith(crypto), Array(16 + 8 + 16 + 32 + 64 + 64).fill(64));
    assert.deepEqual(
      prepared.map(({ nonces }) => nonces),
      [8, 16, 32, 64, 64],
    );
  });

  test("prepares for the longest of late, again at once for a longer one, and for none over 1152 bytes", () => {
    const { crypto, prepared } = watched();
    const profile = profileWith(crypto);
    encodeAll(profile, Array(16).fill(10));
    encodeAll(profile, [10, 1_148, 1_149, ...Array(16).fill(10), ...Array(31).fill(20), 30]);
    assert.deepEqual(
      prepared.map(({ maxPlaintextBytes }) => maxPlaintextBytes),
      [14, 1_152, 14, 24, 34],
    );
  });
});

describe("opening many messages", () => {
  test("takes longer messages after more short ones than a run of the long may have", () => {
    for (const short of [0, 4, 13, 20, 63, 64]) {
      const chunk = concat(...frames(short, 1), ...frames(100, 1_000));
      assert.equal(decodeAll(profileWith(nodeCrypto), [chunk]).length, short + 100, `after ${short}`);
    }
  });

  test("opens what golang-ipc peers seal, whatever the sizes", () => {
    const sealed = mixedSizes.map((size, index) => wire.message(index + 1, pattern(size, index)));
    const messages = decodeAll(profileWith(nodeCrypto), [concat(...sealed)]);
    assert.deepEqual(
      messages,
      mixedSizes.map((size, index) => ({ type: index + 1, data: pattern(size, index) })),
    );
  });

  test("looks ahead at up to 64 whole short frames, and not if fewer than four have come", () => {
    const counts = (count: number): number[] => {
      const { crypto, prepared } = watched();
      assert.equal(decodeAll(profileWith(crypto), [concat(...frames(count))]).length, count);
      return prepared.map(({ nonces }) => nonces);
    };
    assert.deepEqual(counts(3), []);
    assert.deepEqual(counts(4), [4]);
    assert.deepEqual(counts(64), [64]);
    assert.deepEqual(counts(133), [64, 64, 5]);
  });

  test("looks ahead up to a long message, and behind it again", () => {
    const { crypto, prepared } = watched();
    const long = wire.message(9, pattern(1_149));
    const bytes = concat(...frames(5, 10), long, ...frames(6, 20), long.subarray(0, 100));
    assert.equal(decodeAll(profileWith(crypto), [bytes, long.subarray(100)]).length, 13);
    assert.deepEqual(prepared, [
      { nonces: 5, maxPlaintextBytes: 14 },
      { nonces: 6, maxPlaintextBytes: 24 },
    ]);
  });

  test("looks ahead at fewer if they are longer: what is prepared may be of no use", () => {
    const { crypto, prepared } = watched();
    decodeAll(profileWith(crypto), [concat(...frames(5), ...frames(40, 1_000))]);
    assert.deepEqual(prepared, [
      { nonces: 16, maxPlaintextBytes: 1_004 },
      { nonces: 16, maxPlaintextBytes: 1_004 },
      { nonces: 13, maxPlaintextBytes: 1_004 },
    ]);
  });

  test("comes to the same messages however the bytes are cut", () => {
    const bytes = concat(...frames(40));
    const whole = decodeAll(profileWith(nodeCrypto), [bytes]);
    assert.deepEqual(decodeAll(profileWith(nodeCrypto), byteAtATime(bytes)), whole);
    for (const cut of [1, 5, 17, 100, 500, 1_000, bytes.length - 1]) {
      assert.deepEqual(
        decodeAll(profileWith(nodeCrypto), [bytes.subarray(0, cut), bytes.subarray(cut)]),
        whole,
      );
    }
  });

  test("gives the messages before one that was changed, then fails", () => {
    for (const changed of [0, 1, 7, 19]) {
      const sealed = frames(20);
      sealed[changed] = flipBit(sealed[changed] as Uint8Array, 30 * 8);
      const profile = profileWith(nodeCrypto);
      const input = new ReceiveBuffer();
      input.push(concat(...sealed));
      for (let index = 0; index < changed; index++) assert.equal(receive(profile, input)?.type, index + 1);
      assert.throws(() => receive(profile, input), { code: "ERR_DECRYPTION_FAILED" });
    }
  });

  test("fails if a length in the middle is impossible, after what comes before it", () => {
    for (const length of [0, 27, 31, 100_033]) {
      const profile = profileWith(nodeCrypto);
      const input = new ReceiveBuffer();
      input.push(concat(...frames(5), uint32(length), new Uint8Array(40)));
      for (let index = 0; index < 5; index++) assert.equal(receive(profile, input)?.type, index + 1);
      assert.throws(() => receive(profile, input), {
        code: /ERR_FRAME_TOO_SHORT|ERR_PEER_MESSAGE_TOO_LARGE/,
      });
    }
  });

  test("keeps little of a message's neighbours in memory, and nothing of its chunk", () => {
    const plain = Array.from({ length: 64 }, (_, index) => plainWire.message(index + 1, pattern(64, index)));
    const messages = [
      ...decodeAll(profileWith(nodeCrypto), [concat(...frames(64))]),
      ...decodeAll(new ClassicProfile({ ...limits, records: undefined }), [concat(...plain)]),
    ];
    assert.equal(messages.length, 128);
    // The first of each are alone in their memory.
    for (const index of [...messages.keys()].filter((index) => index % 64 >= 8))
      assert.equal(messages[index]?.data.buffer.byteLength, 8_192);
  });
});
