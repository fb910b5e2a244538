import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { Client, Connection, SealpipeError } from "sealpipe";
import { pattern, uint32 } from "../support/bytes.ts";
import { clientOfRaw, connectTo, freshServer, rawClientOf } from "../support/endpoints.ts";
import { nativeFrame, nativeRawClientOf, nativeRecord } from "../support/native-raw-peer.ts";
import { noHalfClose } from "../support/platform.ts";
import type { RawPeer } from "../support/raw-peer.ts";
import { nextEvent, record } from "../support/waiting.ts";

const timeout = 60_000;
const options = { encryption: false, closeTimeoutMs: 300 } as const;
const totalBytes = 3_000_000;

/** Leaves in a hundred writes. */
function writeMuch(end: Client | Connection): void {
  for (let sent = 0; sent < 100; sent++) void end.write(1, pattern(totalBytes / 100));
}

/** Reads on and on, but would have all of it after many times closeTimeoutMs. How much it has got. */
function readSlowly(t: TestContext, peer: RawPeer): { readonly bytes: number } {
  const got = { bytes: 0 };
  let reading = Promise.resolve();
  const timer = setInterval(() => {
    reading = reading.then(async () => {
      got.bytes += (await peer.receive(400)).length;
    });
    // In the end it is dropped.
    reading.catch(() => clearInterval(timer));
  }, 1);
  t.after(() => clearInterval(timer));
  return got;
}

/** Acknowledges on and on, one message at a time. */
function acknowledgeSlowly(t: TestContext, peer: RawPeer, messageBytes: number): void {
  let taken = 0;
  const timer = setInterval(() => {
    taken += messageBytes + 4 + 4 + 64;
    peer.send(nativeRecord(nativeFrame(0x02, uint32(0), uint32(taken), new Uint8Array(16))));
  }, 10);
  t.after(() => clearInterval(timer));
}

const codes = (errors: readonly SealpipeError[]): string[] => errors.map(({ code }) => code);

describe("a peer that takes what was written as slowly as it can", { timeout }, () => {
  test("does not hold up a client's close", async (t) => {
    const { client, peer } = await clientOfRaw(t, options);
    const errors = record<SealpipeError>(client, "error");
    writeMuch(client);
    const got = readSlowly(t, peer);
    await client.close();
    assert.deepEqual(codes(errors), ["ERR_CLOSE_TIMEOUT"]);
    assert.ok(got.bytes < totalBytes / 2, `it got ${got.bytes} bytes`);
  });

  test("does not hold up a server's close, by any of its connections, and nothing is lost on the others", async (t) => {
    const server = await freshServer(t, options);
    const errors = record<SealpipeError>(server, "error");
    for (let peers = 0; peers < 3; peers++) {
      const { peer, connection } = await rawClientOf(t, server);
      writeMuch(connection);
      readSlowly(t, peer);
    }
    for (let peers = 0; peers < 3; peers++) {
      const { peer, connection } = await nativeRawClientOf(t, server);
      for (let sent = 0; sent < 1_000; sent++) void connection.write(1, pattern(900));
      acknowledgeSlowly(t, peer, 900);
    }
    const { client, connection } = await connectTo(t, server, options);
    const left = nextEvent(client, "status");
    writeMuch(connection);
    const closed = server.close();
    for (let read = 0; read < 100; read++) assert.equal((await client.read()).data.length, 30_000);
    await closed;
    await left;
    assert.deepEqual(codes(errors), Array(6).fill("ERR_CLOSE_TIMEOUT"));
  });

  test("keeps no connection whose side it has ended", { skip: noHalfClose }, async (t) => {
    const server = await freshServer(t, options);
    const errors = record<SealpipeError>(server, "error");
    const { peer, connection } = await rawClientOf(t, server);
    const closed = nextEvent(connection, "close");
    writeMuch(connection);
    const got = readSlowly(t, peer);
    peer.end();
    await closed;
    assert.equal(connection.status, "disconnected");
    assert.deepEqual(codes(errors), []);
    assert.ok(got.bytes < totalBytes / 2, `it got ${got.bytes} bytes`);
  });
});
