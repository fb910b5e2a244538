import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { frameHeaderBytes, maxBodyBytes, maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { type AttackedServer, describeAttacks, growth, mib } from "../support/attack.ts";
import { concat, pattern, uint32 } from "../support/bytes.ts";
import { nativeFrame, nativeRecord } from "../support/native-raw-peer.ts";
import { accepted, type RawPeer, receiveFrame } from "../support/raw-peer.ts";

const timeout = 180_000;
const mebibyte = 1_048_576;
const plain = { encryption: false } as const;
const zeros = (bytes: number): Uint8Array => new Uint8Array(bytes);

const numbers = concat(...[1_073_741_824, 1_048_576, 1_048_576, 1_048_576, 4_711].map(uint32));

/** A hello without texts, and the session that it wants. */
function hello(...session: Uint8Array[]): Uint8Array {
  return nativeRecord(nativeFrame(0x01, numbers, zeros(3), ...session));
}

const noSession = Uint8Array.of(0);
const newSession = Uint8Array.of(1);

/** Asks for the session, as one that has received so much. The proof is that of a plain connection. */
function resume(id: Uint8Array, received: Uint8Array, proof?: Uint8Array): Uint8Array {
  const key = createHash("sha256").update(id).digest();
  const right = createHmac("sha256", key)
    .update(concat(Buffer.from("client"), id, received))
    .digest();
  return hello(Uint8Array.of(2), id, received, proof ?? right);
}

/** Says all of a client's handshake, and that hello in it. */
async function connect(server: AttackedServer, said: Uint8Array): Promise<RawPeer> {
  const peer = await server.connect();
  peer.send(accepted, Uint8Array.of(0x01), said);
  await peer.receive(2);
  await receiveFrame(peer);
  return peer;
}

/** The same, up to the server's hello. What it says of the session. */
async function open(server: AttackedServer, said = hello(noSession)): Promise<[RawPeer, Uint8Array]> {
  const peer = await connect(server, said);
  const body = (await receiveFrame(peer)).subarray(frameHeaderBytes);
  let at = 20;
  for (let text = 0; text < 3; text++) at += 1 + (body[at] as number);
  return [peer, body.subarray(at)];
}

/** A peer with a session of its own, and that session's id. */
async function openSession(server: AttackedServer): Promise<[RawPeer, Uint8Array]> {
  const [peer, session] = await open(server, hello(newSession));
  assert.equal(session[0], 1);
  return [peer, session.slice(1, 17)];
}

/** The next record that has a message in front: acknowledgements come when they come. */
async function receiveMessage(peer: RawPeer): Promise<Uint8Array> {
  for (;;) {
    const frames = await receiveFrame(peer);
    if (frames[0] === 0x10) return frames;
  }
}

const message = (type: number, data: Uint8Array) => nativeFrame(0x10, uint32(type), data);
const request = (id: number, type: number, data = zeros(0)) =>
  nativeFrame(0x20, uint32(id), uint32(type), data);
const acknowledge = (low: number) => nativeFrame(0x02, zeros(4), uint32(low), zeros(16));
const start = (kind: number, fields: readonly number[], bytes: number) =>
  nativeFrame(kind, ...fields.map(uint32), zeros(bytes));
const failure = (code: string) => nativeFrame(0x33, uint32(1), Uint8Array.of(code.length), Buffer.from(code));

/** Frames that end the connection, by what they are. Each is a record of its own. */
const invalid: Record<string, readonly Uint8Array[]> = {
  "frames of kinds that there are not": [nativeFrame(0x07), nativeFrame(0xff)],
  "a second hello": [nativeFrame(0x01, numbers, zeros(3), noSession)],
  "a frame that ends outside its record": [Uint8Array.of(0x10, 0, 0xff, 0xff, 0, 0, 0, 1)],
  "a message that is too short": [nativeFrame(0x10, zeros(3))],
  "a message of type 0": [message(0, zeros(5))],
  "a request of type 0": [request(1, 0)],
  "a request of id 0": [request(0, 1)],
  "a part of nothing": [nativeFrame(0x12, zeros(20_000))],
  "a failure without a code": [failure("")],
  "a failure whose code is none": [failure("not this")],
  "an acknowledgement of what was not sent": [acknowledge(1)],
  "an acknowledgement that is too short": [nativeFrame(0x02, zeros(23))],
  "a pong that is too short": [nativeFrame(0x05)],
  "a large body in crumbs": [start(0x11, [1, 1_000_000], 10)],
  "a large body that goes on in crumbs": [start(0x11, [1, 1_000_000], 16_384), nativeFrame(0x12, zeros(9))],
  "a message within a large one": [start(0x11, [1, 1_000_000], 16_384), message(1, zeros(1))],
  "five large requests under way": [1, 2, 3, 4, 5].map((id) => start(0x21, [id, 1, 1_000_000], 16_384)),
  "five large answers under way": [1, 2, 3, 4, 5].map((id) => start(0x31, [id, 1_000_000], 16_384)),
  "more of a body than it said": [start(0x11, [1, 20_000], 16_384), nativeFrame(0x12, zeros(16_384))],
};

describeAttacks("beside a healthy client, a native peer", { timeout }, (attack) => {
  test("ends its own connection with each kind of invalid frame", (t) =>
    attack(t, plain, async (server) => {
      for (const [what, frames] of Object.entries(invalid)) {
        const [peer] = await open(server);
        peer.send(...frames.map((bytes) => nativeRecord(bytes)));
        assert.equal(await server.nextError(), "ERR_FRAME_INVALID", what);
        await peer.receiveToEnd();
      }
    }));

  test("ends its own connection with records that there are not", (t) =>
    attack(t, plain, async (server) => {
      for (const [length, code] of [
        [0, "ERR_FRAME_TOO_SHORT"],
        [frameHeaderBytes - 1, "ERR_FRAME_TOO_SHORT"],
        [maxRecordBytes + 1, "ERR_FRAME_TOO_LARGE"],
        [2 ** 32 - 1, "ERR_FRAME_TOO_LARGE"],
      ] as const) {
        const [peer] = await open(server);
        peer.send(uint32(length));
        assert.equal(await server.nextError(), code);
        await peer.receiveToEnd();
      }
    }));

  test("gets no memory for bodies that claim 2^32-1 bytes, or all that they may", (t) =>
    attack(t, plain, async (server) => {
      const grown = await growth(t, server, async () => {
        for (let round = 0; round < 50; round++) {
          const [peer] = await open(server);
          const kind = [0x11, 0x31][round % 2] as number;
          peer.send(nativeRecord(start(kind, [1, 2 ** 32 - 1], 16_384)));
          assert.equal(await server.nextError(), "ERR_PEER_MESSAGE_TOO_LARGE");
        }
        for (let round = 0; round < 50; round++) {
          const [peer] = await open(server);
          peer.send(nativeRecord(start(0x11, [1, 3_145_728], 16_384)));
        }
      });
      assert.ok(grown < 64 * mebibyte, `the server grew by ${mib(grown)}`);
    }));

  test("is cut off with a large body that it does not finish, though it says other things meanwhile", (t) =>
    attack(t, { ...plain, frameTimeoutMs: 200 }, async (server) => {
      for (const begun of [
        start(0x11, [1, 3_145_728], 16_384),
        start(0x21, [1, 1, 3_145_728], 16_384),
        start(0x31, [1, 3_145_728], 16_384),
      ]) {
        const [peer] = await open(server);
        peer.send(nativeRecord(begun));
        const talking = setInterval(() => peer.send(nativeRecord(nativeFrame(0x05, zeros(4)))), 20);
        t.after(() => clearInterval(talking));
        assert.equal(await server.nextError(), "ERR_FRAME_TIMEOUT");
        clearInterval(talking);
        await peer.receiveToEnd();
      }
    }));

  test("that sends more than the window, unread, is cut off, and memory is bounded", (t) =>
    attack(t, { ...plain, maxQueuedBytes: 1_000_000 }, async (server) => {
      const grown = await growth(t, server, async () => {
        for (let round = 0; round < 4; round++) {
          const [peer] = await open(server);
          const record = nativeRecord(message(1, zeros(60_000)));
          for (let sent = 0; sent < 80; sent++) peer.send(record);
          assert.equal(await server.nextError(), "ERR_WINDOW_EXCEEDED");
        }
      });
      assert.ok(grown < 96 * mebibyte, `the server grew by ${mib(grown)}`);
    }));

  test("that sends thousands of pings and reads nothing is cut off", (t) =>
    attack(t, plain, async (server) => {
      const grown = await growth(t, server, async () => {
        const [peer] = await open(server);
        const pings = nativeRecord(
          ...Array.from({ length: 5_000 }, (_, token) => nativeFrame(0x04, uint32(token))),
        );
        for (let sent = 0; sent < 20; sent++) peer.send(pings);
        assert.equal(await server.nextError(), "ERR_FRAME_INVALID");
      });
      assert.ok(grown < 64 * mebibyte, `the server grew by ${mib(grown)}`);
    }));

  test("that never says hello is dropped when its time is over", (t) =>
    attack(t, { ...plain, handshakeTimeoutMs: 300 }, async (server) => {
      for (let round = 0; round < 5; round++) {
        const peer = await connect(server, zeros(0));
        assert.equal(await server.nextError(), "ERR_HANDSHAKE_TIMEOUT");
        await peer.receiveToEnd();
      }
    }));

  test("cannot take over a session with a wrong proof, nor guess one", (t) =>
    attack(t, plain, async (server) => {
      const [victim, id] = await openSession(server);
      for (let round = 0; round < 20; round++) {
        const peer = await connect(server, resume(id, zeros(24), pattern(32, round)));
        // The next ones are counted, and not told at once.
        if (round === 0) assert.equal(await server.nextError(), "ERR_AUTHENTICATION_FAILED");
        await peer.receiveToEnd();
      }
      for (let round = 0; round < 100; round++) {
        const [peer, session] = await open(server, resume(pattern(16, round), zeros(24)));
        assert.equal(session[0], 1, "a new one");
        peer.destroy();
      }
      victim.send(nativeRecord(message(5, pattern(3))));
      const echo = await receiveMessage(victim);
      assert.deepEqual(
        echo.subarray(frameHeaderBytes, frameHeaderBytes + 7),
        concat(uint32(5), pattern(3)),
        "it is undisturbed",
      );
    }));

  test("may say of a session that it received what was never sent, in vain", (t) =>
    attack(t, plain, async (server) => {
      const [, id] = await openSession(server);
      for (const at of [7, 0, 23]) {
        const received = zeros(24);
        received[at] = 1;
        const peer = await connect(server, resume(id, received));
        assert.equal(await server.nextError(), "ERR_FRAME_INVALID");
        await peer.receiveToEnd();
      }
    }));

  test("may resume one session 1000 times in a row: it is one session, and costs no memory", (t) =>
    attack(t, plain, async (server) => {
      const [first, id] = await openSession(server);
      // Something that is sent again each time, and never acknowledged.
      first.send(nativeRecord(message(5, pattern(60_000))));
      await receiveMessage(first);
      const grown = await growth(t, server, async () => {
        for (let round = 0; round < 1_000; round++) {
          const [peer, session] = await open(server, resume(id, zeros(24)));
          assert.equal(session[0], 2);
          if (round % 2 === 0) peer.destroy();
        }
      });
      assert.equal((await server.report()).connections, 2);
      assert.ok(grown < 96 * mebibyte, `the server grew by ${mib(grown)}`);
    }));

  test("that resumes and never reads is sent no more than its window", (t) =>
    attack(t, { ...plain, maxQueuedBytes: 2_000_000 }, async (server) => {
      const [first, id] = await openSession(server);
      let [sent, peer] = [0, first];
      const grown = await growth(t, server, async () => {
        for (let round = 0; round < 100; round++) {
          for (let count = 0; count < 2 && sent < 30; count++, sent++)
            peer.send(nativeRecord(message(5, zeros(60_000))));
          [peer] = await open(server, resume(id, zeros(24)));
        }
      });
      assert.ok(grown < 96 * mebibyte, `the server grew by ${mib(grown)}`);
    }));
});

describeAttacks("beside a healthy client, native requests", { timeout }, (attack) => {
  const busy = { ...plain, maxConcurrentRequests: 1 };
  /** Answers nobody waits for: they are taken at once and fill no window. */
  const padding = nativeFrame(0x30, uint32(9), zeros(maxBodyBytes - 100));

  test("with an id that is being handled end the connection", (t) =>
    attack(t, busy, async (server) => {
      const [peer] = await open(server);
      peer.send(nativeRecord(request(7, 1)), nativeRecord(request(7, 1)));
      assert.equal(await server.nextError(), "ERR_FRAME_INVALID");
    }));

  test("that wait keep nothing but themselves, whatever their records had besides", (t) =>
    attack(t, busy, async (server) => {
      const grown = await growth(t, server, async () => {
        const [peer] = await open(server);
        for (let id = 1; id <= 3_000; id++) peer.send(nativeRecord(request(id, 1, zeros(20)), padding));
        // The last thing it does: when that is answered all the others have come.
        peer.send(nativeRecord(message(5, zeros(1))));
        await receiveMessage(peer);
      });
      assert.ok(grown < 96 * mebibyte, `the server grew by ${mib(grown)}`);
    }));
});
