import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttackedServer, type AttackOptions, describeAttacks, growth, mib } from "../support/attack.ts";
import { concat, pattern, uint32 } from "../support/bytes.ts";
import { nativeFrame, nativeHello, nativeRecord, streamOffers } from "../support/native-raw-peer.ts";
import { accepted, type RawPeer, receiveFrame } from "../support/raw-peer.ts";
import { times } from "../support/thorough.ts";

const timeout = 180_000;
const mebibyte = 1_048_576;
const windowBytes = 524_288;
/** What a frame weighs besides its body. Source: spec/protocol.md, "Lanes". */
const frameWeight = 4 + 64;
const beside: AttackOptions = { encryption: false, overStream: true };

/** What the server does with streams of each type. */
const [echoes, readsNothing, fails, unhandled] = [1, 2, 3, 9] as const;

const zeros = (bytes: number): Uint8Array => new Uint8Array(bytes);
const open = (id: number, type: number = readsNothing) => nativeFrame(0x40, uint32(id), uint32(type));
const openStart = (id: number, total: number, bytes = 16_384) =>
  nativeFrame(0x41, uint32(id), uint32(readsNothing), uint32(total), zeros(bytes));
const item = (id: number, data: Uint8Array = zeros(1)) => nativeFrame(0x42, uint32(id), data);
const itemStart = (id: number, total: number, bytes = 16_384) =>
  nativeFrame(0x43, uint32(id), uint32(total), zeros(bytes));
const part = (bytes: number) => nativeFrame(0x44, zeros(bytes));
const end = (id: number) => nativeFrame(0x45, uint32(id));
const reset = (id: number, code = "GONE") =>
  nativeFrame(0x46, uint32(id), Uint8Array.of(code.length), Buffer.from(code));
const stop = (id: number) => nativeFrame(0x47, uint32(id));
const credit = (id: number, high: number, low: number) =>
  nativeFrame(0x48, uint32(id), uint32(high), uint32(low));
const ping = nativeFrame(0x04, uint32(1));

/** A bare socket that says all of a client's handshake, with the feature or without it, and has the server's hello. */
async function connect(server: AttackedServer, offers = streamOffers()): Promise<RawPeer> {
  const peer = await server.connect();
  peer.send(accepted, Uint8Array.of(0x01), nativeRecord(nativeHello(...offers)));
  await peer.receive(2);
  await receiveFrame(peer);
  await receiveFrame(peer);
  return peer;
}

/** The frames of the next record, by kind and body. */
async function receiveRecord(peer: RawPeer): Promise<{ kind: number; body: Uint8Array }[]> {
  const record = await receiveFrame(peer);
  const frames: { kind: number; body: Uint8Array }[] = [];
  for (let at = 0; at < record.length; ) {
    const [kind = 0, high = 0, middle = 0, low = 0] = record.subarray(at, at + 4);
    const bytes = high * 65_536 + middle * 256 + low;
    frames.push({ kind, body: record.subarray(at + 4, at + 4 + bytes) });
    at += 4 + bytes;
  }
  return frames;
}

/** What the server has sent until it answers a ping: then it has processed all that was sent before. */
async function answers(peer: RawPeer): Promise<{ kind: number; body: Uint8Array }[]> {
  peer.send(nativeRecord(ping));
  for (const frames: { kind: number; body: Uint8Array }[] = []; ; ) {
    frames.push(...(await receiveRecord(peer)));
    if (frames.some(({ kind }) => kind === 0x05)) return frames.filter(({ kind }) => kind >= 0x40);
  }
}

async function nextItem(peer: RawPeer): Promise<Uint8Array> {
  for (;;) {
    const item = (await receiveRecord(peer)).find(({ kind }) => kind === 0x42);
    if (item !== undefined) return item.body.slice(4);
  }
}

const code = ({ body }: { body: Uint8Array }): string =>
  Buffer.from(body.subarray(5, 5 + (body[4] as number))).toString();

/** Records that end the connection with `ERR_FRAME_INVALID`, by what they are. */
const invalid: Record<string, readonly (readonly Uint8Array[])[]> = {
  "an item after the end": [[open(1), end(1), item(1)]],
  "a large item after the end": [[open(1), end(1), itemStart(1, 100_000)]],
  "a second end": [[open(1), end(1)], [end(1)]],
  "an item of a stream that was never opened": [[open(1), item(3)]],
  "an end of one": [[end(1)]],
  "a reset of one": [[reset(1)]],
  "a stop of one": [[stop(1)]],
  "credit for one": [[credit(1, 0, 0)]],
  "an item of one that the server never opened": [[item(2)]],
  "credit for one that the server never opened": [[credit(2, 0, 0)]],
  "an item of the stream 0": [[open(1), item(0)]],
  "an opening of the stream 0": [[open(0)]],
  "an opening with an id of the server's": [[open(2)]],
  "a large opening with an id of the server's": [[openStart(2, 100_000)]],
  "an opening of what is open": [[open(1), open(1)]],
  "an opening of what was open": [[open(1), reset(1), open(1)]],
  "an opening before the last": [[open(5), open(3)]],
  "an opening far before the last": [[open(5), open(0x80000007)]],
  "the opening of a 65th stream": [Array.from({ length: 65 }, (_, index) => open(2 * index + 1))],
  "an opening of type 0": [[open(1, 0)]],
  "an opening without a type": [[nativeFrame(0x40, uint32(1))]],
  "an item without an id": [[open(1), nativeFrame(0x42, zeros(3))]],
  "credit for what was not sent": [[open(1), credit(1, 0, 1)]],
  "credit of 2^53": [[open(1), credit(1, 0x20_0000, 0)]],
  "credit of 2^64 - 1": [[open(1), credit(1, 0xffffffff, 0xffffffff)]],
  "credit that is cut": [[open(1), nativeFrame(0x48, uint32(1), zeros(7))]],
  "a reset without a code": [[open(1), reset(1, "")]],
  "a reset whose code is none": [[open(1), reset(1, "not this")]],
  "a part of nothing": [[open(1), part(20_000)]],
  "an item within a large one": [[open(1), itemStart(1, 100_000), item(1)]],
  "an opening within a large one": [[openStart(1, 100_000), open(3)]],
  "a reset within a large one": [[open(1), itemStart(1, 100_000), reset(1)]],
  "a large item in crumbs": [[open(1), itemStart(1, 100_000, 10)]],
  "more of a large item than it said": [[open(1), itemStart(1, 20_000), part(16_384)]],
};

// Go's server is attacked by go/hostile_streams_test.go.
const languages = ["TypeScript", "Python"] as const;

describeAttacks(
  "beside a healthy client, a peer that has streams",
  { timeout, languages },
  (attack, language) => {
    test("ends its own connection with each kind of frame that is not allowed", (t) =>
      attack(t, beside, async (server) => {
        for (const [what, records] of Object.entries(invalid)) {
          const peer = await connect(server);
          peer.send(...records.map((frames) => nativeRecord(...frames)));
          assert.equal(await server.nextError(), "ERR_FRAME_INVALID", what);
          await peer.receiveToEnd();
        }
      }));

    test("ends it with credit that goes back", (t) =>
      attack(t, beside, async (server) => {
        const peer = await connect(server);
        peer.send(nativeRecord(open(1, echoes), item(1, pattern(100))));
        await nextItem(peer);
        peer.send(nativeRecord(credit(1, 0, 150)));
        assert.deepEqual(await answers(peer), []);
        peer.send(nativeRecord(credit(1, 0, 149)));
        assert.equal(await server.nextError(), "ERR_FRAME_INVALID");
      }));

    test("ends it with any frame of a stream if its hello has no streams", (t) =>
      attack(t, beside, async (server) => {
        const frames = [open(1), openStart(1, 100_000), item(1), itemStart(1, 100_000), part(20_000)];
        for (const each of [...frames, end(1), reset(1), stop(1), credit(1, 0, 0)]) {
          const peer = await connect(server, []);
          peer.send(nativeRecord(each));
          assert.equal(await server.nextError(), "ERR_FRAME_INVALID", `kind ${each[0]}`);
          await peer.receiveToEnd();
        }
      }));

    test("is cut off with more items than it has credit for, and with no memory for what it claims", (t) =>
      attack(t, beside, async (server) => {
        const grown = await growth(t, server, async () => {
          for (let round = 0; round < 20; round++) {
            const peer = await connect(server);
            const fitting = Math.ceil(windowBytes / (60_000 + 4 + frameWeight));
            peer.send(nativeRecord(open(1)));
            for (let count = 0; count < fitting; count++) peer.send(nativeRecord(item(1, zeros(60_000))));
            assert.deepEqual(await answers(peer), [], "these have credit");
            peer.send(nativeRecord(item(1)));
            assert.equal(await server.nextError(), "ERR_WINDOW_EXCEEDED");
          }
          for (const claim of [[open(1), itemStart(1, 2 ** 32 - 1)], [openStart(1, 2 ** 32 - 1)]]) {
            const peer = await connect(server);
            peer.send(nativeRecord(...claim));
            assert.equal(await server.nextError(), "ERR_PEER_MESSAGE_TOO_LARGE");
          }
        });
        assert.ok(grown < 96 * mebibyte, `the server grew by ${mib(grown)}`);
      }));

    test("that gives no credit is sent no more than its window and an item", (t) =>
      attack(t, beside, async (server) => {
        const peer = await connect(server);
        peer.send(nativeRecord(open(1, echoes)));
        let echoed = 0;
        let sent = 0;
        for (; ; sent++) {
          peer.send(nativeRecord(item(1, zeros(60_000))));
          const frames = await answers(peer).catch(() => undefined);
          if (frames === undefined) break;
          for (const { kind, body } of frames) if (kind === 0x42) echoed += body.length + frameWeight;
        }
        assert.equal(await server.nextError(), "ERR_WINDOW_EXCEEDED");
        t.diagnostic(`${sent} items were sent, and ${echoed} bytes of them came back`);
        assert.ok(echoed >= mebibyte && echoed < mebibyte + 60_100, `${echoed} bytes`);
      }));

    test("that claims any window, and acknowledges nothing, is sent no more than maxQueuedBytes and an item", (t) =>
      attack(t, beside, async (server) => {
        const peer = await connect(server, streamOffers(2 ** 31 - 1));
        peer.send(nativeRecord(open(1, echoes)));
        let echoed = 0;
        for (;;) {
          peer.send(nativeRecord(item(1, zeros(60_000))));
          const frames = await answers(peer).catch(() => undefined);
          if (frames === undefined) break;
          for (const { kind, body } of frames) if (kind === 0x42) echoed += body.length + frameWeight;
        }
        assert.equal(await server.nextError(), "ERR_WINDOW_EXCEEDED");
        t.diagnostic(`${echoed} bytes came back`);
        assert.ok(echoed >= 8 * mebibyte && echoed < 8 * mebibyte + 120_200, `${echoed} bytes`);
      }));

    test("may send what it likes for streams that are over: it is ignored", (t) =>
      attack(t, beside, async (server) => {
        const peer = await connect(server);
        peer.send(nativeRecord(open(1, unhandled), open(3, fails), open(5)));
        const resets: { kind: number; body: Uint8Array }[] = [];
        while (resets.length < 2)
          resets.push(...(await receiveRecord(peer)).filter(({ kind }) => kind === 0x46));
        assert.deepEqual(resets.map(code), ["ERR_NO_HANDLER", "ERR_HANDLER_FAILED"]);
        peer.send(nativeRecord(reset(5)));
        for (const id of [1, 3, 5]) {
          peer.send(nativeRecord(item(id), itemStart(id, 20_000), part(3_616), item(id, zeros(60_000))));
          for (let count = 0; count < 20; count++) peer.send(nativeRecord(item(id, zeros(60_000))));
          peer.send(nativeRecord(stop(id), credit(id, 0xffff, 0), end(id), end(id), reset(id), reset(id)));
        }
        assert.deepEqual(await answers(peer), []);
        peer.send(nativeRecord(open(7, echoes), item(7, pattern(9))));
        assert.deepEqual(await nextItem(peer), pattern(9), "and it may go on");
      }));

    test("may have 10000 of its resets cross the server's", (t) =>
      attack(t, beside, async (server) => {
        const peer = await connect(server);
        const reader = new Reader(peer);
        let resets = 0;
        for (let id = 1; id < 20_000; id += 200) {
          const frames = Array.from({ length: 100 }, (_, index) => id + 2 * index).map((each) =>
            concat(open(each, each % 4 === 1 ? fails : unhandled), item(each), reset(each)),
          );
          peer.send(nativeRecord(...frames));
          resets += (await reader.acknowledge()).filter(({ kind }) => kind === 0x46).length;
        }
        t.diagnostic(`${resets} resets came back`);
        assert.ok(resets >= 5_000, "those that nobody handles");
      }));

    test("is cut off if it opens a million of them, resets them, and acknowledges nothing", (t) =>
      attack(t, beside, async (server) => {
        const grown = await growth(t, server, async () => {
          const peer = await connect(server);
          // Long before all are opened: the server must not have to keep its answers.
          let opened = 0;
          for (; opened < 1_000_000; opened += 500) {
            peer.send(openings(opened, 500));
            if ((await answers(peer).catch(() => undefined)) === undefined) break;
          }
          t.diagnostic(`it was cut off after ${opened} openings`);
          assert.ok(opened < 1_000_000, `${opened} openings`);
          assert.equal(await server.nextError(), "ERR_WINDOW_EXCEEDED");
        });
        assert.ok(grown < 64 * mebibyte, `the server grew by ${mib(grown)}`);
      }));

    const opens = times(1_000_000) / (language === "TypeScript" ? 1 : 10);
    test(`may open ${opens} of them if it acknowledges what comes back, and memory is bounded`, (t) =>
      attack(t, beside, async (server) => {
        const grown = await growth(t, server, async () => {
          const peer = await connect(server);
          const reader = new Reader(peer);
          for (let opened = 0; opened < opens; opened += 2_000) {
            peer.send(openings(opened, 2_000));
            await reader.acknowledge();
          }
          peer.send(nativeRecord(open(2_000_001, echoes), item(2_000_001, pattern(9))));
          assert.deepEqual(await nextItem(peer), pattern(9), "the next one is like the first");
        });
        assert.ok(grown < 128 * mebibyte, `the server grew by ${mib(grown)}`);
      }));
  },
);

/** A record that opens `count` streams after `after` others, of each type in turn, and resets each at once. */
function openings(after: number, count: number): Uint8Array {
  const types = [echoes, readsNothing, fails, unhandled];
  const streams = Array.from({ length: count }, (_, index) => {
    const id = 2 * (after + index) + 1;
    return concat(open(id, types[index % types.length]), reset(id));
  });
  return nativeRecord(...streams);
}

/** Counts what the server sends in the lane of streams, and acknowledges it. */
class Reader {
  readonly #peer: RawPeer;
  #position = 0;

  constructor(peer: RawPeer) {
    this.#peer = peer;
  }

  /** What has come since the last time. */
  async acknowledge(): Promise<{ kind: number; body: Uint8Array }[]> {
    const frames = await answers(this.#peer);
    for (const { body } of frames) this.#position += body.length + frameWeight;
    const position = concat(uint32(Math.floor(this.#position / 2 ** 32)), uint32(this.#position % 2 ** 32));
    this.#peer.send(nativeRecord(nativeFrame(0x02, zeros(24), position)));
    return frames;
  }
}
