import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { ClientHandshake } from "#dist/protocol/handshake/client.js";
import { HandshakeFailure } from "#dist/protocol/handshake-failure.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, flipBit, hex, pattern, toHex, uint32 } from "../../support/bytes.ts";
import { EngineProbe, maxSent } from "../../support/engine-probe.ts";
import { serverHandshake } from "../../support/engine-states.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import {
  clientPrivateKey,
  clientPublicKey,
  plainWire,
  sealedWire,
  serverPublicKey,
} from "../../support/hand-made-peer.ts";
import { invalidPublicKeys } from "../../support/public-keys.ts";

function steps(encryption = false, maxMessageBytes = 1_000) {
  const input = new ReceiveBuffer();
  const handshake = new ClientHandshake({
    encryption,
    profile: "classic",
    maxMessageBytes,
    crypto: fixedCrypto({ privateKey: clientPrivateKey }),
  });
  return { handshake, input };
}

const client = (encryption = false) => new EngineProbe({ role: "client", encryption });

/** The client after it has heard `bytes`: its events, and all that it wrote. */
function heard(bytes: Uint8Array, encryption = false) {
  const probe = client(encryption).receive(bytes);
  return { events: probe.events, written: probe.written() };
}

describe("the client's side of the handshake", () => {
  test("waits for the server to speak", () => {
    assert.deepEqual(steps().handshake.start(), []);
    assert.equal(client().written(), "");
  });

  test("accepts a plain hello, takes the maximum size and confirms it", () => {
    const { handshake, input } = steps();
    assert.equal(handshake.advance("client-awaits-hello", input), undefined);
    input.push(hex("02 00"));
    assert.deepEqual(handshake.advance("client-awaits-hello", input), {
      input: "plain-hello",
      output: [hex("00")],
    });
    assert.equal(handshake.advance("client-awaits-maximum-size", input), undefined);
    input.push(hex("00 00 00 04 00 00 00 64"));
    const step = handshake.advance("client-awaits-maximum-size", input);
    assert.equal(step?.input, "maximum-size");
    assert.deepEqual(step.output, [hex("00")]);
    assert.equal(maxSent(step.opened), 100);
    assert.equal(step.opened?.profile.encrypted, false);
  });

  test("accepts an encrypted hello, and answers the server's key with its own", () => {
    const { handshake, input } = steps(true);
    input.push(hex("02 01"));
    assert.deepEqual(handshake.advance("client-awaits-hello", input), {
      input: "encrypted-hello",
      output: [hex("00")],
    });
    assert.equal(handshake.advance("client-awaits-server-key", input), undefined);
    input.push(serverPublicKey);
    const step = handshake.advance("client-awaits-server-key", input);
    assert.equal(step?.input, "server-key");
    assert.deepEqual(step.output.map(toHex), [toHex(clientPublicKey)]);
    input.push(sealedWire.maximumSize(100));
    const last = handshake.advance("client-awaits-maximum-size", input);
    assert.equal(last?.opened?.profile.encrypted, true);
    assert.equal(maxSent(last?.opened), 100);
  });

  test("may send what both sides allow", () => {
    for (const [own, peers] of [
      [1_000, 2_000],
      [2_000, 1_000],
    ] as const) {
      const { handshake, input } = steps(false, own);
      input.push(plainWire.maximumSize(peers));
      assert.equal(maxSent(handshake.advance("client-awaits-maximum-size", input)?.opened), 1_000);
    }
  });

  test("gives a refusal as a failure with its answer", () => {
    const { handshake, input } = steps();
    input.push(hex("01 00"));
    assert.throws(() => handshake.advance("client-awaits-hello", input), HandshakeFailure);
  });

  test("writes each part by itself", () => {
    assert.equal(heard(serverHandshake(false)).written, "00 | 00");
    assert.equal(heard(serverHandshake(true)).written, `00 | ${toHex(clientPublicKey)} | 00`);
  });

  test("makes a new key pair for each handshake", () => {
    const [first, second] = [1, 2].map(() => {
      const probe = new EngineProbe({ role: "client", crypto: nodeCrypto });
      return probe.receive(concat(hex("02 01"), serverPublicKey)).takeWrites()[1];
    });
    assert.equal(first?.length, 97);
    assert.notDeepEqual(first, second);
  });
});

describe("a client that hears a hello it cannot take", () => {
  test("answers 1 to another version, whatever follows it", () => {
    for (let version = 0; version <= 255; version++) {
      if (version === 2) continue;
      for (const encryption of [0, 1, 7]) {
        const { events, written } = heard(Uint8Array.of(version, encryption));
        assert.deepEqual(events, ["closed ERR_VERSION_MISMATCH"]);
        assert.equal(written, "01");
      }
    }
    const probe = client().receive(hex("03 00"));
    assert.match(probe.error?.message ?? "", /the server speaks protocol version 3, this client 2$/);
  });

  test("answers 2 to a plain server if it insists on encryption", () => {
    assert.deepEqual(heard(hex("02 00"), true), {
      events: ["closed ERR_ENCRYPTION_REQUIRED"],
      written: "02",
    });
  });

  test("answers 3 to an encryption byte that is neither 0 nor 1", () => {
    for (let byte = 2; byte <= 255; byte++) {
      const { events, written } = heard(Uint8Array.of(2, byte));
      assert.deepEqual(events, ["closed ERR_HANDSHAKE_INVALID"]);
      assert.equal(written, "03");
    }
  });
});

describe("a client that hears an invalid key", () => {
  for (const [name, key] of Object.entries(invalidPublicKeys(serverPublicKey))) {
    test(`ends for ${name}, and sends no key`, () => {
      const probe = client().receive(concat(hex("02 01"), key.subarray(0, 96)));
      assert.equal(probe.written(), "00");
      assert.deepEqual(probe.events, []);
      probe.receive(key.subarray(96));
      assert.deepEqual(probe.events, ["closed ERR_INVALID_PUBLIC_KEY"]);
      assert.equal(probe.written(), "");
    });
  }

  test("ends for its own key, if it could be known beforehand", () => {
    const { events } = heard(concat(hex("02 01"), clientPublicKey));
    assert.deepEqual(events, ["closed ERR_INVALID_PUBLIC_KEY"]);
  });

  test("ends for a compressed point of its true length, when the next part has filled it up", () => {
    const compressed = concat(hex("02"), serverPublicKey.subarray(1, 49));
    const probe = client().receive(concat(hex("02 01"), compressed));
    assert.deepEqual(probe.events, []);
    probe.receive(new Uint8Array(48));
    assert.deepEqual(probe.events, ["closed ERR_INVALID_PUBLIC_KEY"]);
  });
});

describe("a client that hears a maximum size it cannot take", () => {
  const beforeIt = { plain: hex("02 00"), encrypted: concat(hex("02 01"), serverPublicKey) };
  const lengths: readonly (readonly [number, string, string])[] = [
    [0, "ERR_FRAME_TOO_SHORT", "ERR_FRAME_TOO_SHORT"],
    [3, "ERR_FRAME_TOO_SHORT", "ERR_FRAME_TOO_SHORT"],
    [4, "waits", "ERR_FRAME_TOO_SHORT"],
    [31, "waits", "ERR_FRAME_TOO_SHORT"],
    [32, "waits", "waits"],
    [256, "waits", "waits"],
    [257, "ERR_FRAME_TOO_LARGE", "ERR_FRAME_TOO_LARGE"],
    [2 ** 31, "ERR_FRAME_TOO_LARGE", "ERR_FRAME_TOO_LARGE"],
    [2 ** 32 - 1, "ERR_FRAME_TOO_LARGE", "ERR_FRAME_TOO_LARGE"],
  ];
  for (const [length, plain, encrypted] of lengths) {
    test(`does with a length of ${length} as it should: plain ${plain}, encrypted ${encrypted}`, () => {
      for (const [mode, outcome] of Object.entries({ plain, encrypted })) {
        const { events } = heard(concat(beforeIt[mode as keyof typeof beforeIt], uint32(length)));
        assert.deepEqual(events, outcome === "waits" ? [] : [`closed ${outcome}`]);
      }
    });
  }

  test("ends if any bit of a sealed one was changed, and confirms nothing", () => {
    const good = sealedWire.maximumSize(3_145_728);
    for (let bit = 4 * 8; bit < good.length * 8; bit++) {
      const { events, written } = heard(concat(beforeIt.encrypted, flipBit(good, bit)));
      assert.deepEqual(events, ["closed ERR_DECRYPTION_FAILED"], `bit ${bit}`);
      assert.equal(written, "", "what was not yet written is dropped too");
    }
  });

  test("ignores what follows the size within the frame", () => {
    const plain = heard(concat(beforeIt.plain, plainWire.maximumSize(1_000, pattern(252)))).events;
    assert.deepEqual(plain, ["open plain"]);
    const sealed = heard(concat(beforeIt.encrypted, sealedWire.maximumSize(1_000, pattern(224)))).events;
    assert.deepEqual(sealed, ["open encrypted"]);
  });
});

test("no single wrong bit from the server lets the client's handshake pass as it should not", () => {
  for (const encrypted of [false, true]) {
    const good = serverHandshake(encrypted);
    const sizeStarts = good.length - 4;
    for (let bit = 0; bit < good.length * 8; bit++) {
      // In the clear nothing protects the size itself.
      if (!encrypted && bit >= sizeStarts * 8) continue;
      const probe = client(encrypted).receive(flipBit(good, bit)).end();
      assert.equal(probe.events.length, 1, `bit ${bit}`);
      assert.match(probe.events[0] ?? "", /^closed ERR_/, `bit ${bit}`);
    }
  }
});
