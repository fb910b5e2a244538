import assert from "node:assert/strict";
import { test } from "node:test";
import { describeAttacks } from "../support/attack.ts";
import { pattern, uint32 } from "../support/bytes.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";

const timeout = 120_000;
const maxMessageBytes = 1_000;

for (const encryption of [true, false]) {
  const least = encryption ? 32 : 4;
  const limit = maxMessageBytes + least;
  const tooShort = encryption ? [0, 3, 4, 31] : [0, 1, 3];
  const tooLong = [limit + 1, 2 ** 31, 2 ** 32 - 1];

  describeAttacks(
    `beside a healthy client, ${encryption ? "sealed" : "in the clear"}`,
    { timeout },
    (attack) => {
      for (const [lengths, code] of [
        [tooShort, "ERR_FRAME_TOO_SHORT"],
        [tooLong, "ERR_PEER_MESSAGE_TOO_LARGE"],
      ] as const) {
        test(`a frame that announces ${lengths.join(", ")} bytes ends that connection with ${code}`, (t) =>
          attack(t, { encryption, maxMessageBytes }, async (server) => {
            for (const length of lengths) {
              const peer = await server.connect();
              await openWireAsClient(peer, encryption);
              peer.send(uint32(length), pattern(2));
              assert.equal(await server.nextError(), code, `${length} bytes`);
              assert.equal((await peer.receiveToEnd()).length, 0);
            }
          }));
      }

      test(`a frame of ${least} bytes and one of ${limit} are accepted: the min and the max`, (t) =>
        attack(t, { encryption, maxMessageBytes }, async (server) => {
          for (const length of [least, limit]) {
            const peer = await server.connect();
            const wire = await openWireAsClient(peer, encryption);
            peer.send(wire.message(5, pattern(length - least)));
            await peer.receive(4 + length);
          }
          assert.equal((await server.report()).connections, 3);
        }));

      test("a frame of the limit that never comes ends that connection with ERR_FRAME_TIMEOUT", (t) =>
        attack(t, { encryption, maxMessageBytes, frameTimeoutMs: 200 }, async (server) => {
          const peer = await server.connect();
          await openWireAsClient(peer, encryption);
          peer.send(uint32(limit));
          assert.equal(await server.nextError(), "ERR_FRAME_TIMEOUT");
        }));
    },
  );
}
