import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttackedServer, describeAttacks } from "../support/attack.ts";
import { concat, pattern } from "../support/bytes.ts";
import { clientPublicKey } from "../support/hand-made-peer.ts";
import { invalidPublicKeys } from "../support/public-keys.ts";
import { accepted } from "../support/raw-peer.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";

const timeout = 120_000;
const wrongBytes = Array.from({ length: 255 }, (_, index) => index + 1);

function answerCode(answer: number): string {
  if (answer === 1) return "ERR_VERSION_MISMATCH";
  return answer === 2 ? "ERR_ENCRYPTION_REQUIRED" : "ERR_HANDSHAKE_REJECTED";
}

for (const encryption of [true, false]) {
  describeAttacks(
    `beside a healthy client, ${encryption ? "sealed" : "in the clear"}`,
    { timeout },
    (attack) => {
      test("each wrong answer to the hello ends that handshake with its code", (t) =>
        attack(t, { encryption }, async (server) => {
          for (const answer of wrongBytes) {
            const peer = await server.connect();
            peer.send(Uint8Array.of(answer));
            assert.equal(await server.nextError(), answerCode(answer), `answer ${answer}`);
            assert.deepEqual(
              await peer.receiveToEnd(),
              Uint8Array.of(2, encryption ? 1 : 0),
              "the hello alone",
            );
            peer.destroy();
          }
        }));

      test("each value of the confirmation but native's opens the session, as golang-ipc has it", (t) =>
        attack(t, { encryption }, async (server) => {
          // Sealed, each costs an agreement of keys, and the byte is read by the same code.
          for (const value of encryption
            ? [2, 3, 0x7f, 0x80, 0xff]
            : wrongBytes.filter((value) => value !== 1)) {
            const peer = await server.connect();
            const wire = await openWireAsClient(peer, encryption, value);
            const message = wire.message(5, pattern(3));
            peer.send(message);
            await peer.receive(message.length);
            peer.destroy();
            assert.equal(await server.nextEnd(), "disconnected", `value ${value}`);
          }
        }));
    },
  );
}

describeAttacks("beside a healthy client, a public key", { timeout }, (attack) => {
  /** Sends it, and checks that it was refused and answered with nothing. */
  async function checkRefused(server: AttackedServer, key: Uint8Array, name: string): Promise<void> {
    const peer = await server.connect();
    await peer.receive(2);
    peer.send(accepted);
    await peer.receive(97);
    peer.send(key);
    assert.equal(await server.nextError(), "ERR_INVALID_PUBLIC_KEY", name);
    assert.equal((await peer.receiveToEnd()).length, 0);
    peer.destroy();
  }

  test("with another first byte is refused, whichever it is", (t) =>
    attack(t, {}, async (server) => {
      for (let first = 0; first < 256; first++) {
        if (first === 4) continue;
        const key = concat(Uint8Array.of(first), clientPublicKey.subarray(1));
        await checkRefused(server, key, `first byte ${first}`);
      }
    }));

  test("with a byte of a coordinate changed is refused, whichever it is", (t) =>
    attack(t, {}, async (server) => {
      for (let at = 1; at < 97; at++) {
        // Each costs a key pair; at the ends of both coordinates more than one is tried.
        for (const change of [1, 48, 49, 96].includes(at) ? [0x01, 0x80, 0xff] : [0x01]) {
          const key = Uint8Array.from(clientPublicKey);
          key[at] = (key[at] as number) ^ change;
          await checkRefused(server, key, `byte ${at} changed by ${change}`);
        }
      }
    }));

  test("off the curve, at infinity, of another form, or no point at all is refused", (t) =>
    attack(t, {}, async (server) => {
      for (const [name, key] of Object.entries(invalidPublicKeys(clientPublicKey))) {
        await checkRefused(server, key, name);
      }
    }));

  test("that is the server's own sent back is refused", (t) =>
    attack(t, {}, async (server) => {
      const peer = await server.connect();
      await peer.receive(2);
      peer.send(accepted);
      peer.send(await peer.receive(97));
      assert.equal(await server.nextError(), "ERR_INVALID_PUBLIC_KEY");
      assert.equal((await peer.receiveToEnd()).length, 0);
    }));

  test("cut short by one byte takes the next part for its last, and is refused", (t) =>
    attack(t, {}, async (server) => {
      const last = (clientPublicKey.at(-1) as number) ^ 1;
      await checkRefused(server, concat(clientPublicKey.subarray(0, 96), Uint8Array.of(last)), "cut short");
    }));
});
