import assert from "node:assert/strict";
import { after, describe, type TestContext, test } from "node:test";
import { concat, uint32 } from "../support/bytes.ts";
import { exitOf, startChild } from "../support/children.ts";
import { startAttackedGoServer } from "../support/go-end.ts";
import { lacksGo } from "../support/go-peer.ts";
import { frame } from "../support/hand-made-peer.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import { nativeFrame, nativeHello, nativeRecord, streamOffers } from "../support/native-raw-peer.ts";
import { lacksPython, startAttackedPythonServer } from "../support/python-starter.ts";
import { accepted, addressOf, RawPeer, receiveFrame } from "../support/raw-peer.ts";

const timeout = 120_000;
const mebibyte = 1_048_576;
const maxQueuedBytes = 16 * mebibyte;
/** The defaults of the options with these names. */
const maxConcurrentStreams = 64;
const streamWindowBytes = 524_288;
/** What a frame weighs besides its bytes, and how many bytes of frames a record has. Source: spec/protocol.md, "Lanes". */
const overheadBytes = 64;
const recordBytes = 131_072;

type Language = "TypeScript" | "Go" | "Python";

function startServer(language: Language, name: string): LinesProcess {
  const options = JSON.stringify({ maxQueuedBytes, encryption: false });
  if (language === "TypeScript") return startChild("unread-server", name, options);
  if (language === "Python") return startAttackedPythonServer("unread", name, options);
  const server = startAttackedGoServer("unread", name, options);
  after(() => server.kill());
  return server;
}

/** A server that reads nothing, in a process of its own, and a peer whose handshake is over but for its last part. */
async function setUp(
  t: TestContext,
  language: Language = "TypeScript",
): Promise<{ server: LinesProcess; peer: RawPeer }> {
  const name = freshName();
  const server = startServer(language, name);
  await server.until(({ event }) => event === "listening");
  const peer = await RawPeer.connect(addressOf(name));
  t.after(() => peer.destroy());
  peer.send(accepted);
  await peer.receive(2);
  await receiveFrame(peer);
  return { server, peer };
}

async function liveBytes(server: LinesProcess): Promise<number> {
  server.command({ do: "report" });
  const { bytes, codes } = await server.until(({ event }) => event === "report");
  assert.deepEqual(codes, []);
  return bytes as number;
}

async function end(server: LinesProcess): Promise<void> {
  server.command({ do: "end" });
  assert.equal(await exitOf(server), 0);
}

/** Fills the window with such frames, and one record more, which is as far as a peer gets. */
async function fill(peer: RawPeer, window: number, frameOf: (number: number) => Uint8Array): Promise<number> {
  let sent = 0;
  let weight = 0;
  while (weight <= window) {
    const frames: Uint8Array[] = [];
    for (let room = recordBytes; room > 0; ) {
      sent += 1;
      const next = frameOf(sent);
      room -= next.length;
      if (room < 0) break;
      frames.push(next);
      weight += next.length + overheadBytes;
    }
    peer.send(nativeRecord(...frames));
  }
  await answered(peer);
  return sent;
}

/** The server has read all that was sent to it: it has answered a ping after it. */
async function answered(peer: RawPeer): Promise<void> {
  peer.send(nativeRecord(nativeFrame(0x04, uint32(1))));
  while ((await receiveFrame(peer))[0] !== 0x05);
}

const languages: readonly Language[] = ["TypeScript", "Go", "Python"];
const lacking = (language: Language): string | false =>
  (language === "Go" && lacksGo()) || (language === "Python" && lacksPython());

describe("what nobody reads", { timeout }, () => {
  const native: Record<string, { frameOf: (number: number) => Uint8Array; windowAt: number }> = {
    "empty messages": { frameOf: () => nativeFrame(0x10, uint32(1)), windowAt: 8 },
    "messages of a byte": { frameOf: () => nativeFrame(0x10, uint32(1), Uint8Array.of(7)), windowAt: 8 },
    "messages of 100 bytes": {
      frameOf: () => nativeFrame(0x10, uint32(1), new Uint8Array(100)),
      windowAt: 8,
    },
    "requests without data": { frameOf: (id) => nativeFrame(0x20, uint32(id), uint32(1)), windowAt: 12 },
  };
  for (const [language, what] of languages.flatMap((each) =>
    Object.keys(native).map((what) => [each, what] as const),
  )) {
    const { frameOf, windowAt } = native[what] ?? assert.fail();
    test(`costs no more than maxQueuedBytes and 4 MiB: ${what}, native, in ${language}`, {
      skip: lacking(language),
    }, async (t) => {
      const { server, peer } = await setUp(t, language);
      peer.send(Uint8Array.of(0x01), nativeRecord(nativeHello()));
      const hello = await receiveFrame(peer);
      const window = new DataView(hello.buffer, hello.byteOffset).getUint32(windowAt);
      const before = await liveBytes(server);
      const sent = await fill(peer, window, frameOf);
      const cost = (await liveBytes(server)) - before;
      t.diagnostic(`${sent} ${what} cost ${(cost / mebibyte).toFixed(1)} MiB`);
      await end(server);
      assert.ok(sent > 3_000 && cost <= maxQueuedBytes + 4 * mebibyte, `${cost} bytes`);
    });
  }

  for (const [language, what, data] of [
    ["TypeScript", "empty items", new Uint8Array(0)],
    ["TypeScript", "items of 100 bytes", new Uint8Array(100)],
    ["Python", "empty items", new Uint8Array(0)],
    ["Python", "items of 100 bytes", new Uint8Array(100)],
  ] as const) {
    test(`costs no more than three times the windows of its streams and 4 MiB: ${what}, in ${language}`, {
      skip: lacking(language),
    }, async (t) => {
      const { server, peer } = await setUp(t, language);
      peer.send(Uint8Array.of(0x01), nativeRecord(nativeHello(...streamOffers())));
      await receiveFrame(peer);
      const before = await liveBytes(server);
      let sent = 0;
      for (let id = 1; id < 2 * maxConcurrentStreams; id += 2) {
        const item = nativeFrame(0x42, uint32(id), data);
        const count = Math.ceil(streamWindowBytes / (item.length + overheadBytes));
        peer.send(nativeRecord(nativeFrame(0x40, uint32(id), uint32(1))));
        for (let left = count; left > 0; left -= 500) {
          peer.send(nativeRecord(...Array<Uint8Array>(Math.min(left, 500)).fill(item)));
        }
        sent += count;
      }
      await answered(peer);
      const cost = (await liveBytes(server)) - before;
      t.diagnostic(`${sent} ${what} cost ${(cost / mebibyte).toFixed(1)} MiB`);
      await end(server);
      assert.ok(
        cost > streamWindowBytes * maxConcurrentStreams * 0.5,
        `${cost} bytes: the streams are filled`,
      );
      assert.ok(cost <= 3 * streamWindowBytes * maxConcurrentStreams + 4 * mebibyte, `${cost} bytes`);
    });
  }

  for (const language of languages)
    test(`costs no more than maxQueuedBytes and 4 MiB: empty messages, classic, in ${language}`, {
      skip: lacking(language),
    }, async (t) => {
      const { server, peer } = await setUp(t, language);
      peer.send(Uint8Array.of(0x00));
      const before = await liveBytes(server);
      const messages = concat(...Array.from({ length: 10_000 }, () => frame(uint32(1))));
      for (let count = 0; count < 50; count++) peer.send(messages);
      // It takes in what it will, and then no more.
      let [last, cost] = [0, 0];
      do {
        last = cost;
        cost = (await liveBytes(server)) - before;
      } while (cost < mebibyte || cost - last > mebibyte / 4);
      t.diagnostic(`500000 empty messages cost ${(cost / mebibyte).toFixed(1)} MiB`);
      assert.ok(peer.pendingBytes > 0, "it has to wait");
      await end(server);
      assert.ok(cost <= maxQueuedBytes + 4 * mebibyte, `${cost} bytes`);
    });
});
