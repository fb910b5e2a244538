import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { describeAttacks } from "../support/attack.ts";
import { concat, pattern, uint32 } from "../support/bytes.ts";
import { EngineProbe } from "../support/engine-probe.ts";
import { clientHandshake, serverHandshake, waysInto } from "../support/engine-states.ts";
import { clientPublicKey, wireFor } from "../support/hand-made-peer.ts";
import { accepted, type RawPeer } from "../support/raw-peer.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";
import { until } from "../support/waiting.ts";

const timeout = 120_000;
const megabyte = 1_048_576;

/** Hears a byte each second until it gives up; how many it heard. */
function hearOneByteASecond(probe: EngineProbe, bytes: Uint8Array): number {
  let heard = 0;
  for (; heard < bytes.length && probe.state !== "closed"; heard++) {
    probe.receive(bytes.subarray(heard, heard + 1)).pass(1_000);
  }
  return heard;
}

describe("a peer that sends one byte a second", () => {
  for (const role of ["client", "server"] as const) {
    test(`has its handshake ended after 5 of them (at the ${role})`, () => {
      const probe = new EngineProbe({ role, encryption: true });
      const bytes = role === "client" ? serverHandshake(true) : clientHandshake(true);
      assert.equal(hearOneByteASecond(probe, bytes), 5);
      assert.deepEqual(probe.events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
    });
  }

  for (const way of waysInto("open")) {
    test(`has its frame ended after 30 of them (${way.name})`, () => {
      const probe = way.enter();
      assert.equal(hearOneByteASecond(probe, wireFor(way.encrypted).message(5, pattern(100))), 30);
      assert.deepEqual(probe.events, ["closed ERR_FRAME_TIMEOUT"]);
    });
  }
});

/** Sends these bytes one at a time, each a moment after the one before, until it is dropped. */
async function trickle(peer: RawPeer, bytes: Uint8Array): Promise<void> {
  let sent = 0;
  const trickling = setInterval(() => {
    peer.send(bytes.subarray(sent, sent + 1));
    sent += 1;
  }, 10);
  await peer.receiveToEnd();
  clearInterval(trickling);
  assert.ok(sent < bytes.length, "it was dropped before its end");
}

describeAttacks("beside a healthy client", { timeout }, (attack) => {
  test("a peer that sends its handshake byte by byte is dropped when its time is over", (t) =>
    attack(t, { handshakeTimeoutMs: 400 }, async (server) => {
      const peer = await server.connect();
      await trickle(peer, concat(accepted, clientPublicKey));
      assert.equal(await server.nextError(), "ERR_HANDSHAKE_TIMEOUT");
    }));

  test("a peer that sends a frame byte by byte is dropped when its time is over", (t) =>
    attack(t, { frameTimeoutMs: 400 }, async (server) => {
      const peer = await server.connect();
      const wire = await openWireAsClient(peer, true);
      await trickle(peer, wire.message(5, pattern(1_000)));
      assert.equal(await server.nextError(), "ERR_FRAME_TIMEOUT");
    }));

  for (const encryption of [true, false]) {
    test(`a peer that writes and never reads has to wait, and costs what the queues may hold (${encryption ? "sealed" : "plain"})`, (t) =>
      attack(t, { encryption, maxQueuedBytes: megabyte }, async (server) => {
        const before = await server.report();
        const peer = await server.connect();
        const wire = await openWireAsClient(peer, encryption);
        const message = wire.message(5, pattern(60_000));
        for (let sent = 0; sent < 64; sent++) peer.send(...Array<Uint8Array>(16).fill(message));
        // It stops where the queues are full: nothing more leaves us.
        let pending = -1;
        while (pending !== peer.pendingBytes) {
          pending = peer.pendingBytes;
          await server.healthy.goOn(200);
        }
        assert.ok(pending > 32 * megabyte, `${pending} bytes were not taken`);
        const after = await server.report();
        const grown = after.rssBytes - before.rssBytes;
        t.diagnostic(
          `RSS ${toMiB(before.rssBytes)} before, ${toMiB(after.rssBytes)} with 60 MB written to it`,
        );
        assert.ok(grown < 48 * megabyte, `the server has grown by ${toMiB(grown)}`);
      }));
  }

  test("a peer that opens and then reads nothing of what it is sent does not keep the server from its end", (t) =>
    attack(t, {}, async (server) => {
      const peer = await server.connect();
      const wire = await openWireAsClient(peer, true);
      peer.send(wire.message(5, pattern(100_000)));
      peer.send(uint32(100));
      await until(() => peer.pendingBytes === 0);
    }));
});

function toMiB(bytes: number): string {
  return `${(bytes / megabyte).toFixed(1)} MiB`;
}
