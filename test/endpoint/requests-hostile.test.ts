import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, SealpipeError } from "sealpipe";
import { uint32 } from "../support/bytes.ts";
import { connectTo, freshServer } from "../support/endpoints.ts";
import { nativeFrame, nativeRawClientOf, nativeRecord } from "../support/native-raw-peer.ts";
import { nextEvent, until } from "../support/waiting.ts";

const timeout = 20_000;
const plain = { encryption: false } as const;

const request = (id: number, type = 1) => nativeFrame(0x20, uint32(id), uint32(type));
const answer = (id: number) => nativeFrame(0x30, uint32(id));
const failure = (id: number, code: string) =>
  nativeFrame(0x33, uint32(id), Uint8Array.of(code.length), Buffer.from(code));
const requestStart = (id: number, total: number, bytes: number) =>
  nativeFrame(0x21, uint32(id), uint32(1), uint32(total), new Uint8Array(bytes));

const offences: Record<string, Uint8Array[]> = {
  "asks with the id of a request that is being handled": [request(7), request(7)],
  "asks with the id 0": [request(0)],
  "asks with the type 0": [request(1, 0)],
  "fails a request with a code that is none": [failure(1, "no code")],
  "goes on with a large request that it has not begun": [
    nativeFrame(0x22, uint32(1), new Uint8Array(20_000)),
  ],
  "begins more large requests than it may": [1, 2, 3, 4, 5].map((id) => requestStart(id, 1_000_000, 16_384)),
  "cuts a large request into crumbs": [requestStart(1, 1_000_000, 10)],
  "sends a request that is too short for its type": [nativeFrame(0x20, uint32(1))],
};

describe("a native peer that", { timeout }, () => {
  for (const [offence, frames] of Object.entries(offences)) {
    test(`${offence} ends its own connection alone`, async (t) => {
      const server = await freshServer(t, plain);
      let aborted = 0;
      server.handle(1, ({ signal, text }) => {
        if (text === "good") return "answered";
        signal.addEventListener("abort", () => {
          aborted += 1;
        });
        return new Promise(() => {});
      });
      const { client } = await connectTo(t, server, plain);
      const failed = nextEvent<[SealpipeError, Connection]>(server, "error");
      const { peer, connection } = await nativeRawClientOf(t, server);
      assert.equal(connection.profile, "native");
      assert.equal(connection.peer?.pid, 4_711);
      peer.send(...frames.map((bytes) => nativeRecord(bytes)));
      const [error, culprit] = await failed;
      assert.deepEqual([error.code, culprit.id], ["ERR_FRAME_INVALID", connection.id]);
      await peer.receiveToEnd();
      assert.deepEqual(server.connections.length, 1);
      assert.equal((await client.request(1, "good")).text, "answered");
      if (frames.length === 2) await until(() => aborted === 1);
    });
  }

  test("announces a request over maxMessageBytes ends its connection before any of it is kept", async (t) => {
    const server = await freshServer(t, plain);
    const failed = nextEvent<[SealpipeError]>(server, "error");
    const { peer } = await nativeRawClientOf(t, server);
    peer.send(nativeRecord(requestStart(1, 3_145_729, 16_384)));
    assert.equal((await failed)[0].code, "ERR_PEER_MESSAGE_TOO_LARGE");
  });

  test("sends more requests than its window, all of them waiting, ends its connection", async (t) => {
    const server = await freshServer(t, { ...plain, maxConcurrentRequests: 1, maxQueuedBytes: 400_000 });
    server.handle(1, () => new Promise(() => {}));
    const failed = nextEvent<[SealpipeError]>(server, "error");
    const { peer } = await nativeRawClientOf(t, server);
    // The window is 100,000 bytes, and what may come behind it less than 700,000.
    for (let id = 1; id <= 100; id++) {
      const large = nativeFrame(0x20, uint32(id), uint32(1), new Uint8Array(30_000));
      peer.send(nativeRecord(large));
    }
    assert.equal((await failed)[0].code, "ERR_WINDOW_EXCEEDED");
  });

  test("answers, fails and cancels what nobody has asked does no harm", async (t) => {
    const server = await freshServer(t, plain);
    server.handle(1, () => "answered");
    const { peer, connection } = await nativeRawClientOf(t, server);
    peer.send(nativeRecord(answer(5), failure(6, "CODE"), nativeFrame(0x34, uint32(9)), request(8)));
    // What was cancelled in advance is not handled; the next is.
    peer.send(nativeRecord(request(9), request(10)));
    const expected = (id: number) => nativeFrame(0x30, uint32(id), Buffer.from("answered"));
    const wanted = [expected(8), expected(10)].map((bytes) => Buffer.from(bytes));
    let seen = Buffer.alloc(0);
    while (!wanted.every((bytes) => seen.includes(bytes))) {
      seen = Buffer.concat([seen, await peer.receive(1)]);
    }
    assert.equal(seen.includes(Buffer.from(expected(9))), false);
    assert.equal(connection.status, "connected");
  });
});
