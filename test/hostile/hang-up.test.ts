import assert from "node:assert/strict";
import { test } from "node:test";
import { describeAttacks } from "../support/attack.ts";
import { concat, pattern } from "../support/bytes.ts";
import { clientPublicKey } from "../support/hand-made-peer.ts";
import { accepted, confirmation, type RawPeer } from "../support/raw-peer.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";

const timeout = 120_000;

const leavings: readonly [string, (peer: RawPeer) => void][] = [
  ["ends its side", (peer) => peer.end()],
  ["drops the connection", (peer) => peer.destroy()],
];

for (const encryption of [true, false]) {
  describeAttacks(
    `beside a healthy client, ${encryption ? "sealed" : "in the clear"}`,
    { timeout },
    (attack, language) => {
      const handshake = concat(accepted, encryption ? clientPublicKey : new Uint8Array(0), confirmation);

      for (const [how, leave] of leavings) {
        test(`a peer that ${how} after each byte of its handshake is lost each time`, (t) =>
          attack(t, { encryption }, async (server) => {
            for (let sent = 0; sent < handshake.length; sent++) {
              const peer = await server.connect();
              await peer.receive(2);
              peer.send(handshake.subarray(0, sent));
              leave(peer);
              assert.equal(await server.nextError(), "ERR_CONNECTION_LOST", `after ${sent} bytes`);
            }
            assert.equal((await server.report()).connections, 1);
          }));

        test(`a peer that ${how} within each byte of a frame is lost each time`, (t) =>
          attack(t, { encryption }, async (server) => {
            const frameBytes = 4 + 4 + 3 + (encryption ? 28 : 0);
            for (let sent = 1; sent < frameBytes; sent++) {
              const peer = await server.connect();
              const frame = (await openWireAsClient(peer, encryption)).message(5, pattern(3));
              assert.equal(frame.length, frameBytes);
              peer.send(frame.subarray(0, sent));
              leave(peer);
              assert.equal(await server.nextError(), "ERR_CONNECTION_LOST", `after ${sent} bytes`);
            }
          }));
      }

      test("a peer that leaves before the server has said hello harms nobody", (t) =>
        attack(t, { encryption }, async (server) => {
          for (let round = 0; round < 100; round++) {
            const peer = await server.connect();
            peer.destroy();
          }
          // Whether the server still saw them come is up to the system.
          await server.healthy.goOn(20);
          assert.equal((await server.report()).connections, 1);
        }));

      test("a peer that ends its side after a whole message gets the answer, and has left in order", (t) =>
        attack(t, { encryption }, async (server) => {
          const peer = await server.connect();
          const wire = await openWireAsClient(peer, encryption);
          const answerBytes = 4 + 4 + 3 + (encryption ? 28 : 0);
          if (language === "Python") {
            // A program in Python gets a new connection some turns of its event loop later: by then this one would be over.
            peer.send(wire.message(5, pattern(3)));
            await peer.receive(answerBytes);
          }
          peer.send(wire.message(5, pattern(3)));
          peer.end();
          assert.equal((await peer.receiveToEnd()).length, answerBytes);
          assert.equal(await server.nextEnd(), "disconnected");
        }));
    },
  );
}
