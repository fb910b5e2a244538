import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ClassicProfile } from "#dist/protocol/classic/profile.js";
import { RecordProtection } from "#dist/protocol/classic/record.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, pattern, toHex, uint32 } from "../../support/bytes.ts";
import { closeStart } from "../../support/close-start.ts";
import { cutInto } from "../../support/cutting.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import { clientPrivateKey, frame, plainWire, SealedWire } from "../../support/hand-made-peer.ts";
import { lengthOnceGiven } from "../../support/memory.ts";

const key = pattern(32);
const plain = (maxMessageBytes = 100_000, peerMaxMessageBytes = 100_000) =>
  new ClassicProfile({ maxMessageBytes, peerMaxMessageBytes, records: undefined });
const sealing = (maxMessageBytes = 100_000) =>
  new ClassicProfile({
    maxMessageBytes,
    peerMaxMessageBytes: 100_000,
    records: new RecordProtection(
      key,
      fixedCrypto({ privateKey: clientPrivateKey, nonces: [hex("aa".repeat(12))] }),
    ),
  });

function encode(profile: ClassicProfile, type: number, data: Uint8Array): Uint8Array[] {
  profile.send(type, data);
  return profile.takeOutput();
}

function decode(profile: ClassicProfile, bytes: Uint8Array): string | undefined {
  const input = new ReceiveBuffer();
  input.push(bytes);
  const event = profile.receive(input);
  return event?.kind === "message" ? `${event.type}: ${toHex(event.data)}` : event?.kind;
}

describe("the plain profile", () => {
  test("says what it is", () => {
    assert.equal(plain().name, "classic");
    assert.equal(plain().encrypted, false);
  });

  const examples: readonly (readonly [number, string, string])[] = [
    [5, "68 69", "00 00 00 06 00 00 00 05 68 69"],
    [1, "", "00 00 00 04 00 00 00 01"],
    [0x8000_0000, "00", "00 00 00 05 80 00 00 00 00"],
    [0xffff_ffff, "ff", "00 00 00 05 ff ff ff ff ff"],
  ];
  for (const [type, data, bytes] of examples) {
    test(`writes and reads type ${type} with ${data || "nothing"} as ${bytes}`, () => {
      assert.equal(toHex(concat(...encode(plain(), type, hex(data)))), bytes);
      assert.equal(decode(plain(), hex(bytes)), `${type}: ${data}`);
    });
  }

  test("takes the data: what the caller does to it afterwards is not sent", () => {
    const data = hex("01 02");
    const profile = plain();
    profile.send(5, data);
    const large = pattern(40_000);
    profile.send(6, large);
    data.fill(0xff);
    large.fill(0xff);
    assert.deepEqual(concat(...profile.takeOutput()), plainWire.message(5, hex("01 02")));
    assert.deepEqual(concat(...profile.takeOutput()), plainWire.message(6, pattern(40_000)));
  });

  test("shares a write up to 32 KiB, and gives a larger message one of its own", () => {
    const profile = plain();
    profile.send(1, pattern(32_768 - 8));
    assert.equal(concat(...profile.takeOutput()).length, 32_768);
    profile.send(1, hex("01"));
    profile.send(2, pattern(32_768 - 7));
    profile.send(3, hex("03"));
    const lengths = [1, 2, 3].map(() => concat(...profile.takeOutput()).length);
    assert.deepEqual(lengths, [9, 32_769, 9]);
  });

  test("takes no more memory for a large message than it needs", () => {
    const [frame] = encode(plain(), 5, pattern(40_000));
    assert.equal(frame?.buffer.byteLength, 40_008);
  });

  test("gives a message's data in memory that what arrived is not in", () => {
    const input = new ReceiveBuffer();
    const chunk = plainWire.message(5, hex("01 02"));
    input.push(chunk);
    const event = plain().receive(input);
    assert.ok(event?.kind === "message");
    chunk.fill(0);
    assert.deepEqual(event.data, hex("01 02"));
  });

  test("counts what it has yet to give, until it has given it or its engine has failed", () => {
    for (const leave of [
      (profile: ClassicProfile) => profile.takeOutput(),
      (profile: ClassicProfile) => profile.finish(false),
    ]) {
      const profile = plain();
      profile.send(5, hex("01"));
      assert.deepEqual([profile.queuedBytes, profile.unsentBytes], [9, 9]);
      leave(profile);
      assert.deepEqual([profile.queuedBytes, profile.unsentBytes], [0, 0]);
    }
    const profile = plain();
    profile.send(5, hex("01"));
    profile.finish(true);
    assert.equal(profile.queuedBytes, 9);
  });

  test("sends what the peer takes, and nothing larger", () => {
    const profile = plain(100, 2);
    profile.send(5, hex("01 02"));
    assert.equal(
      thrownCode(() => profile.send(5, hex("01 02 03"))),
      "ERR_TOO_LARGE_FOR_PEER",
    );
    assert.equal(
      thrownCode(() => profile.send(5, pattern(101))),
      "ERR_MESSAGE_TOO_LARGE",
    );
  });

  test("waits for nothing, and says nothing that messages do not say", () => {
    const profile = plain();
    assert.equal(profile.nextTimeout(), Number.POSITIVE_INFINITY);
    profile.heard();
    profile.consumed();
    profile.askForAcknowledgement();
    profile.handleTimeout();
    profile.cancel();
    profile.answer();
    profile.fail();
    assert.throws(() => profile.request(), { code: "ERR_PEER_NOT_NATIVE" });
    profile.close(closeStart);
    assert.deepEqual(profile.takeOutput(), []);
    assert.deepEqual(
      [profile.queuedMessageBytes, profile.queuedRequestBytes, profile.queuedAnswerBytes],
      [0, 0, 0],
    );
    assert.deepEqual(profile.abandon(), { unacknowledged: [], unsent: [], unsentRequests: [] });
    assert.equal(profile.outputEnded, true);
    assert.equal(profile.needsPausing, true);
  });

  test("drops messages of type 0 and goes on to the next", () => {
    const dropped = concat(plainWire.message(0, hex("01 02")), plainWire.message(0, hex("")));
    assert.equal(decode(plain(), concat(dropped, plainWire.message(7, hex("0a")))), "7: 0a");
    assert.equal(decode(plain(), dropped), undefined);
  });

  test("refuses a length below a type's", () => {
    for (const length of [0, 1, 2, 3]) {
      assert.equal(
        thrownCode(() => decode(plain(), uint32(length))),
        "ERR_FRAME_TOO_SHORT",
      );
    }
  });

  test("takes a message at its limit and refuses one that is a byte over, before it has come", () => {
    assert.equal(decode(plain(2), hex("00 00 00 06 00 00 00 05 0a 0b")), "5: 0a 0b");
    assert.throws(() => decode(plain(2), hex("00 00 00 07")), {
      code: "ERR_PEER_MESSAGE_TOO_LARGE",
      message: /a message of 3 bytes, over maxMessageBytes \(2\)/,
    });
  });
});

describe("the memory of what arrives", () => {
  const sizes = [20_000, 70_000, 5, 16_352, 16_384, 100, 40_000, 65_536, 0];
  const sealedWire = new SealedWire(key);
  const wires = {
    plain: { profile: plain, message: plainWire.message },
    sealed: { profile: sealing, message: sealedWire.message.bind(sealedWire) },
  };
  for (const [what, { profile: make, message }] of Object.entries(wires)) {
    test(`is not given back while anyone has the data of a message, ${what}, however it is cut`, () => {
      const frames = sizes.map((size, index) => message(index + 1, pattern(size, index)));
      // A frame at a time, its length and then all of it, and whatever comes.
      const lengthFirst = frames.flatMap(({ length }) => [4, length - 4]);
      for (const cut of [
        frames.map(({ length }) => length),
        lengthFirst,
        [65_536],
        [1_000_000],
        [16_384, 1],
      ]) {
        const [profile, input] = [make(), new ReceiveBuffer()];
        const data: Uint8Array[] = [];
        for (const chunk of cutInto(cut)(concat(...frames))) {
          input.push(Uint8Array.from(chunk));
          for (let event = profile.receive(input); event !== undefined; event = profile.receive(input)) {
            assert.ok(event.kind === "message");
            data.push(event.data);
          }
        }
        assert.deepEqual(
          data,
          sizes.map((size, index) => pattern(size, index)),
        );
      }
    });
  }

  test("is given back at once if a sealed message alone came in it, and stays if a plain one did", () => {
    for (const [what, { profile, message }] of Object.entries(wires)) {
      const bytes = message(5, pattern(20_000));
      const input = new ReceiveBuffer();
      const payload = bytes.slice(4);
      for (const chunk of [bytes.slice(0, 4), payload]) input.push(chunk);
      const event = profile().receive(input);
      assert.ok(event?.kind === "message");
      assert.deepEqual(event.data, pattern(20_000));
      const before = bytes.length - 4;
      assert.equal(payload.length, what === "sealed" ? lengthOnceGiven(before) : before);
    }
  });

  test("stays if a sealed message came with others", () => {
    const chunk = concat(
      sealedWire.message(5, pattern(20_000, 1)),
      sealedWire.message(6, pattern(20_000, 2)),
    );
    const [profile, input] = [sealing(), new ReceiveBuffer()];
    input.push(chunk);
    for (const seed of [1, 2]) {
      const event = profile.receive(input);
      assert.ok(event?.kind === "message");
      assert.deepEqual(event.data, pattern(20_000, seed));
    }
  });
});

describe("the sealed profile", () => {
  test("says what it is", () => {
    assert.equal(sealing().name, "classic");
    assert.equal(sealing().encrypted, true);
  });

  test("writes a frame of nonce, ciphertext and tag, which its peer can open", () => {
    const bytes = concat(...encode(sealing(), 5, hex("68 69")));
    assert.equal(toHex(bytes.subarray(0, 16)), `00 00 00 22${" aa".repeat(12)}`);
    assert.equal(bytes.length, 4 + 12 + 4 + 2 + 16);
    assert.equal(toHex(new SealedWire(key).open(bytes)), "00 00 00 05 68 69");
  });

  test("reads what its peer sealed", () => {
    assert.equal(decode(sealing(), new SealedWire(key).message(0xffff_ffff, hex("68"))), "4294967295: 68");
    assert.equal(decode(sealing(), new SealedWire(key).message(1, hex(""))), "1: ");
  });

  test("takes the data: what the caller does to it afterwards is not sent", () => {
    for (const size of [2, 40_000]) {
      const data = pattern(size);
      const parts = encode(sealing(), 5, data);
      data.fill(0xff);
      const plaintext = new SealedWire(key).open(concat(...parts));
      assert.deepEqual(plaintext, concat(uint32(5), pattern(size)));
    }
  });

  test("drops messages of type 0 and goes on to the next", () => {
    const wire = new SealedWire(key);
    const dropped = concat(wire.message(0, hex("01 02")), wire.message(0, hex("")));
    assert.equal(decode(sealing(), concat(dropped, wire.message(7, hex("0a")))), "7: 0a");
  });

  test("refuses a length below nonce, type and tag", () => {
    for (const length of [0, 4, 28, 31]) {
      assert.equal(
        thrownCode(() => decode(sealing(), uint32(length))),
        "ERR_FRAME_TOO_SHORT",
      );
    }
  });

  test("takes a message at its limit and refuses one that is a byte over, before it has come", () => {
    assert.equal(decode(sealing(2), new SealedWire(key).message(5, hex("0a 0b"))), "5: 0a 0b");
    assert.throws(() => decode(sealing(2), hex("00 00 00 23")), {
      code: "ERR_PEER_MESSAGE_TOO_LARGE",
      message: /a message of 3 bytes, over maxMessageBytes \(2\)/,
    });
  });

  test("refuses a frame that it cannot open", () => {
    assert.equal(
      thrownCode(() => decode(sealing(), frame(pattern(32)))),
      "ERR_DECRYPTION_FAILED",
    );
  });
});
