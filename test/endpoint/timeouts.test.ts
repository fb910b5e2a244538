import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Connection, PeerError, type SealpipeError } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientOfRaw, freshServer, rawClientOf } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import { accepted, RawPeer, receiveFrame } from "../support/raw-peer.ts";
import { nextEvent, record, turns } from "../support/waiting.ts";

const timeout = 60_000;
const plain = { encryption: false };

/** Keeps the event loop from turning, as a program does that computes. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** On Windows what is written to a pipe arrives a little later than the call returns. */
const pace = process.platform === "win32" ? 10 : 1;

describe("the handshake's timeout", { timeout }, () => {
  for (const [what, says] of [
    ["says nothing", []],
    ["stops after its answer", [accepted]],
  ] as const) {
    test(`ends the connection of a client that ${what}`, async (t) => {
      const server = await freshServer(t, { handshakeTimeoutMs: 20 });
      const failed = nextEvent<[SealpipeError, undefined]>(server, "error");
      const peer = await RawPeer.connect(server.address);
      t.after(() => peer.destroy());
      peer.send(...says);
      const [error, connection] = await failed;
      assert.ok(error instanceof PeerError);
      assert.equal(error.code, "ERR_HANDSHAKE_TIMEOUT");
      assert.match(error.message, /within 20 ms$/);
      assert.equal(connection, undefined);
      await peer.receiveToEnd();
    });
  }

  test("does not mind a peer that was in time if we were not", async (t) => {
    const server = await freshServer(t, { ...plain, handshakeTimeoutMs: 40 });
    const errors = record<Error>(server, "error");
    const connected = nextEvent(server, "connection");
    const peer = await RawPeer.connect(server.address);
    t.after(() => peer.destroy());
    assert.equal((await peer.receive(2)).length, 2);
    peer.send(accepted);
    assert.equal((await receiveFrame(peer)).length, 12);
    peer.send(accepted);
    stall(80);
    await connected;
    assert.deepEqual(errors, []);
  });
});

describe("a frame's timeout", { timeout }, () => {
  test("ends the connection of a client that begins a frame and does not complete it", async (t) => {
    const server = await freshServer(t, { ...plain, frameTimeoutMs: 20 });
    const { peer, connection } = await rawClientOf(t, server);
    const failed = nextEvent<[SealpipeError, Connection]>(server, "error");
    peer.send(plainWire.message(1, pattern(10)), plainWire.message(2, pattern(10)).subarray(0, 17));
    const [error, which] = await failed;
    assert.equal(error.code, "ERR_FRAME_TIMEOUT");
    assert.equal(which, connection);
    assert.equal((await server.read()).type, 1, "what came before it can be read");
    assert.deepEqual(await peer.receiveToEnd(), new Uint8Array(0));
  });

  test("makes a client connect again", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t, { frameTimeoutMs: 20 });
    const failed = nextEvent<[SealpipeError]>(client, "error");
    peer.send(plainWire.message(1, pattern(10)).subarray(0, 1));
    assert.equal((await failed)[0].code, "ERR_FRAME_TIMEOUT");
    await raw.accept();
    assert.equal(client.status, "reconnecting");
  });

  test("does not mind a peer that was in time if we were not", async (t) => {
    const server = await freshServer(t, { ...plain, frameTimeoutMs: 40 * pace });
    const errors = record<Error>(server, "error");
    const { peer } = await rawClientOf(t, server);
    const frame = plainWire.message(1, pattern(10));
    peer.send(frame.subarray(0, 6));
    await turns();
    peer.send(frame.subarray(6));
    stall(80 * pace);
    assert.equal((await server.read()).type, 1);
    assert.deepEqual(errors, []);
  });

  test("does not run while the application does not read", async (t) => {
    const server = await freshServer(t, { ...plain, frameTimeoutMs: 20 * pace, maxQueuedBytes: 1_000 });
    const { peer } = await rawClientOf(t, server);
    const errors = record<Error>(server, "error");
    const frames = [1, 2, 3].map((type) => plainWire.message(type, pattern(2_000)));
    peer.send(...frames.slice(0, 2), (frames[2] as Uint8Array).subarray(0, 100));
    await turns();
    stall(40 * pace);
    await turns();
    assert.equal((await server.read()).type, 1);
    stall(40 * pace);
    await turns();
    peer.send((frames[2] as Uint8Array).subarray(100));
    assert.equal((await server.read()).type, 2);
    assert.equal((await server.read()).type, 3);
    assert.deepEqual(errors, []);
  });
});
