import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { ServerHandshake } from "#dist/protocol/handshake/server.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, flipBit, hex, toHex } from "../../support/bytes.ts";
import { EngineProbe, maxSent } from "../../support/engine-probe.ts";
import { clientHandshake } from "../../support/engine-states.ts";
import { fixedCrypto } from "../../support/fixed-crypto.ts";
import {
  clientPublicKey,
  sealedWire,
  serverPrivateKey,
  serverPublicKey,
} from "../../support/hand-made-peer.ts";
import { invalidPublicKeys } from "../../support/public-keys.ts";

const crypto = fixedCrypto({ privateKey: serverPrivateKey });

function steps(encryption: boolean) {
  const input = new ReceiveBuffer();
  const handshake = new ServerHandshake({
    encryption,
    profile: "classic",
    maxMessageBytes: 3_145_728,
    crypto,
  });
  return { handshake, input };
}

const server = (encryption: boolean) => new EngineProbe({ role: "server", encryption });

describe("the server's side of the handshake", () => {
  test("speaks first, and says whether it encrypts", () => {
    assert.deepEqual(steps(false).handshake.start(), [hex("02 00")]);
    assert.deepEqual(steps(true).handshake.start(), [hex("02 01")]);
    assert.equal(server(true).written(), "02 01");
  });

  test("in the clear sends the maximum size and waits for the confirmation", () => {
    const { handshake, input } = steps(false);
    assert.equal(handshake.advance("server-awaits-answer", input), undefined);
    input.push(hex("00"));
    assert.deepEqual(handshake.advance("server-awaits-answer", input), {
      input: "plain-acceptance",
      output: [hex("00 00 00 04 00 30 00 00")],
    });
    assert.equal(handshake.advance("server-awaits-confirmation", input), undefined);
    input.push(hex("00"));
    const last = handshake.advance("server-awaits-confirmation", input);
    assert.equal(last?.input, "confirmation");
    assert.deepEqual(last.output, []);
    assert.equal(last.opened?.profile.encrypted, false);
    assert.equal(maxSent(last.opened), 3_145_728);
  });

  test("encrypted sends its key, then the maximum size sealed", () => {
    const { handshake, input } = steps(true);
    input.push(hex("00"));
    const [key] = handshake.advance("server-awaits-answer", input)?.output ?? [];
    assert.equal(toHex(key ?? hex("")), toHex(serverPublicKey));
    assert.equal(handshake.advance("server-awaits-client-key", input), undefined);
    input.push(clientPublicKey);
    const step = handshake.advance("server-awaits-client-key", input);
    assert.equal(step?.input, "client-key");
    assert.equal(step.output.length, 1, "one part is one write");
    assert.equal(toHex(sealedWire.open(step.output[0] ?? hex(""))), "00 30 00 00");
    input.push(hex("00"));
    assert.equal(handshake.advance("server-awaits-confirmation", input)?.opened?.profile.encrypted, true);
  });

  test("takes any byte as the confirmation", () => {
    for (let byte = 0; byte <= 255; byte++) {
      const probe = server(false).receive(Uint8Array.of(0, byte));
      assert.deepEqual(probe.events, ["open plain"]);
    }
  });

  test("writes each part by itself", () => {
    assert.equal(server(false).receive(clientHandshake(false)).written(), "02 00 | 00 00 00 04 00 30 00 00");
    const sizes = server(true)
      .receive(clientHandshake(true))
      .takeWrites()
      .map(({ length }) => length);
    assert.deepEqual(sizes, [2, 97, 36]);
  });

  test("makes no key pair before the client has accepted, and none at all in the clear", () => {
    let made = 0;
    const counting: CryptoProvider = {
      ...crypto,
      generateKeyPair: () => {
        made += 1;
        return crypto.generateKeyPair();
      },
    };
    new EngineProbe({ role: "server", crypto: counting }).receive(clientHandshake(false));
    const silent = new EngineProbe({ role: "server", encryption: true, crypto: counting });
    assert.equal(made, 0);
    silent.receive(hex("00"));
    assert.equal(made, 1);
  });
});

describe("a server whose client does not accept", () => {
  for (const encryption of [false, true]) {
    test(`ends, and sends nothing more (${encryption ? "encrypted" : "plain"})`, () => {
      for (let answer = 1; answer <= 255; answer++) {
        const code =
          { 1: "ERR_VERSION_MISMATCH", 2: "ERR_ENCRYPTION_REQUIRED" }[answer] ?? "ERR_HANDSHAKE_REJECTED";
        const probe = server(encryption);
        probe.takeWrites();
        probe.receive(Uint8Array.of(answer));
        assert.deepEqual(probe.events, [`closed ${code}`]);
        assert.equal(probe.written(), "");
      }
    });
  }
});

describe("a server that hears an invalid key", () => {
  for (const [name, key] of Object.entries(invalidPublicKeys(clientPublicKey))) {
    test(`ends for ${name}, and sends no maximum size`, () => {
      const probe = server(true).receive(concat(hex("00"), key.subarray(0, 96)));
      assert.deepEqual(probe.takeWrites().length, 2);
      assert.deepEqual(probe.events, []);
      probe.receive(key.subarray(96));
      assert.deepEqual(probe.events, ["closed ERR_INVALID_PUBLIC_KEY"]);
      assert.equal(probe.written(), "");
    });
  }

  test("ends for its own key sent back", () => {
    const probe = server(true).receive(concat(hex("00"), serverPublicKey));
    assert.deepEqual(probe.events, ["closed ERR_INVALID_PUBLIC_KEY"]);
  });

  test("ends for a compressed point of its true length, when what follows has filled it up", () => {
    const probe = server(true).receive(concat(hex("00 03"), clientPublicKey.subarray(1, 49)));
    assert.deepEqual(probe.events, []);
    probe.receive(new Uint8Array(48));
    assert.deepEqual(probe.events, ["closed ERR_INVALID_PUBLIC_KEY"]);
  });
});

test("no single wrong bit from the client, but in the confirmation, lets the server's handshake pass", () => {
  for (const encrypted of [false, true]) {
    const good = clientHandshake(encrypted);
    for (let bit = 0; bit < (good.length - 1) * 8; bit++) {
      const probe = server(encrypted).receive(flipBit(good, bit)).end();
      assert.equal(probe.events.length, 1, `bit ${bit}`);
      assert.match(probe.events[0] ?? "", /^closed ERR_/, `bit ${bit}`);
    }
  }
});
