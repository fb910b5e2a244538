import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttackedServer, describeAttacks } from "../support/attack.ts";
import { concat, flipBit, pattern, toHex, uint32 } from "../support/bytes.ts";
import type { SealedWire } from "../support/hand-made-peer.ts";
import type { RawPeer } from "../support/raw-peer.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";

const timeout = 120_000;
const maxMessageBytes = 1_000;
const sealedOverhead = 28;

interface Opened {
  readonly peer: RawPeer;
  readonly wire: SealedWire;
}

async function open(server: AttackedServer): Promise<Opened> {
  const peer = await server.connect();
  return { peer, wire: (await openWireAsClient(peer, true)) as SealedWire };
}

/** The next answer's type and data, opened. */
async function answer({ peer, wire }: Opened, dataBytes: number): Promise<string> {
  return toHex(wire.open(await peer.receive(4 + sealedOverhead + 4 + dataBytes)));
}

/** What becomes of a frame whose length says something else than is there, and then ends. */
function lengthCode(length: number, there: number): string {
  if (length < 32) return "ERR_FRAME_TOO_SHORT";
  if (length > 32 + maxMessageBytes) return "ERR_PEER_MESSAGE_TOO_LARGE";
  return length > there ? "ERR_CONNECTION_LOST" : "ERR_DECRYPTION_FAILED";
}

describeAttacks("beside a healthy client, a sealed frame", { timeout }, (attack) => {
  test("with any one bit flipped ends that connection, and nothing of it is delivered", (t) =>
    attack(t, { maxMessageBytes }, async (server) => {
      const frameBytes = 4 + 12 + 4 + 3 + 16;
      for (let bit = 0; bit < frameBytes * 8; bit++) {
        const { peer, wire } = await open(server);
        const flipped = flipBit(wire.message(5, pattern(3)), bit);
        peer.send(flipped);
        peer.end();
        const length = new DataView(flipped.buffer).getUint32(0);
        const expected = bit < 32 ? lengthCode(length, frameBytes - 4) : "ERR_DECRYPTION_FAILED";
        assert.equal(await server.nextError(), expected, `bit ${bit}`);
        assert.equal((await peer.receiveToEnd()).length, 0, "no answer");
        peer.destroy();
      }
    }));

  test("cut short, with another behind it, ends that connection, however much is missing", (t) =>
    attack(t, { maxMessageBytes }, async (server) => {
      const payloadBytes = sealedOverhead + 4 + 3;
      for (let missing = 1; missing < payloadBytes; missing++) {
        const { peer, wire } = await open(server);
        const frame = wire.message(5, pattern(3));
        peer.send(frame.subarray(0, frame.length - missing), wire.message(6, pattern(50)));
        assert.equal(await server.nextError(), "ERR_DECRYPTION_FAILED", `${missing} bytes missing`);
        peer.destroy();
      }
    }));

  test("cut short, with a length that fits, ends that connection, however much is missing", (t) =>
    attack(t, { maxMessageBytes }, async (server) => {
      const payloadBytes = sealedOverhead + 4 + 3;
      for (let left = 0; left < payloadBytes; left++) {
        const { peer, wire } = await open(server);
        peer.send(uint32(left), wire.message(5, pattern(3)).subarray(4, 4 + left));
        assert.equal(await server.nextError(), lengthCode(left, left), `${left} bytes left`);
        peer.destroy();
      }
    }));

  test("of another connection ends that connection: each has a key of its own", (t) =>
    attack(t, { maxMessageBytes }, async (server) => {
      const one = await open(server);
      const other = await open(server);
      other.peer.send(one.wire.message(5, pattern(3)));
      assert.equal(await server.nextError(), "ERR_DECRYPTION_FAILED");
    }));
});

// golang-ipc's records are not numbered, so a process in the middle that has no key can do this much.
describeAttacks(
  "beside a healthy client, what golang-ipc's wire cannot detect is delivered as it comes:",
  {
    timeout,
  },
  (attack) => {
    test("a sealed frame that is sent twice", (t) =>
      attack(t, {}, async (server) => {
        const opened = await open(server);
        const frame = opened.wire.message(5, pattern(3));
        opened.peer.send(frame, frame);
        const first = await answer(opened, 3);
        assert.equal(first, toHex(concat(uint32(5), pattern(3))));
        assert.equal(await answer(opened, 3), first);
      }));

    test("sealed frames in another order, with one left out", (t) =>
      attack(t, {}, async (server) => {
        const opened = await open(server);
        const [first, , third] = [5, 6, 7].map((type) => opened.wire.message(type, pattern(0)));
        opened.peer.send(third as Uint8Array, first as Uint8Array);
        assert.equal(await answer(opened, 0), toHex(uint32(7)));
        assert.equal(await answer(opened, 0), toHex(uint32(5)));
      }));

    test("a sealed frame of the server's own that is sent back to it", (t) =>
      attack(t, {}, async (server) => {
        const opened = await open(server);
        opened.peer.send(opened.wire.message(5, pattern(3)));
        const answered = await opened.peer.receive(4 + sealedOverhead + 4 + 3);
        opened.peer.send(answered);
        assert.equal(await answer(opened, 3), toHex(concat(uint32(5), pattern(3))));
      }));
  },
);
