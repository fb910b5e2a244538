import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { isEvent, startChild } from "../support/children.ts";
import type { Line, LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";

const megabyte = 1_048_576;
const timeout = 120_000;
const maxQueuedBytes = 8 * megabyte;
const plain = { encryption: false };

function inMegabytes(bytes: unknown): string {
  return `${(Number(bytes) / megabyte).toFixed(1)} MiB`;
}

describe("the memory for a native peer that never reads", { timeout }, () => {
  for (const bytes of [0, 1_024, megabyte]) {
    test(`is bounded at both ends by maxQueuedBytes: messages of ${bytes} bytes`, async (t) => {
      const name = freshName();
      const options = JSON.stringify({ ...plain, maxQueuedBytes });
      const reader = startChild("taker", name, JSON.stringify({ ...plain, maxQueuedBytes, unread: true }));
      t.after(() => rmSync(addressOf(name), { force: true }));
      await reader.until(isEvent("listening"));
      const readerBefore = Number((await memoryOf(reader))["now"]);
      const writer = startChild("writer", name, `${bytes}`, options);
      const { code, taken, queued, before, after } = await writer.until(isEvent("full"));
      const readerAfter = Number((await memoryOf(reader))["now"]);
      assert.equal(code, "ERR_QUEUE_FULL");
      // What the reader has is not taken, so the writer keeps it too, to send it again if it must.
      assert.ok(Number(queued) <= maxQueuedBytes + bytes + 100, `${queued} bytes are queued`);
      assert.ok(Number(taken) <= (maxQueuedBytes + bytes) / (bytes + 64) + 1);
      t.diagnostic(
        `${taken} messages of ${bytes} bytes are on their way: the writer's memory has grown by ` +
          `${inMegabytes(Number(after) - Number(before))}, the reader's by ${inMegabytes(readerAfter - readerBefore)}`,
      );
      assert.ok(Number(after) - Number(before) < 100 * megabyte);
      assert.ok(readerAfter - readerBefore < 100 * megabyte);
    });
  }
});

async function memoryOf(child: LinesProcess): Promise<Line> {
  child.command({ do: "memory" });
  return child.until(isEvent("memory"));
}

/** That many clients connect, are written to, read nothing and are killed. What the server keeps for them after that. */
async function afterVanishing(
  t: TestContext,
  clients: number,
  bytes: number,
  options: object,
): Promise<Line> {
  const name = freshName();
  const given = JSON.stringify({ ...plain, ...options });
  const server = startChild("forsaken-server", name, `${clients}`, `${bytes}`, given);
  t.after(() => rmSync(addressOf(name), { force: true }));
  const { rss: before } = await server.until(isEvent("listening"));
  const child = startChild("many-clients", name, `${clients}`, JSON.stringify(plain));
  await child.until(isEvent("connected"));
  const { rss: most } = await server.until(isEvent("all-here"));
  await child.kill();
  await server.until(isEvent("all-gone"));
  server.command({ do: "tell" });
  const kept = await server.until(isEvent("kept"));
  t.diagnostic(
    `${clients} clients with ${bytes} bytes each on their way: ${kept["sessions"]} sessions with ` +
      `${inMegabytes(kept["bytes"])} are kept; the server's memory was ${inMegabytes(before)} before, ` +
      `${inMegabytes(most)} with all clients there, ${inMegabytes(kept["rss"])} after, of which ${inMegabytes(kept["buffers"])} are in buffers`,
  );
  return kept;
}

describe("what a server keeps for clients that have vanished", { timeout }, () => {
  test("is at most maxDetachedSessions; the others are given up, and reported", async (t) => {
    const clients = 1_000;
    const kept = await afterVanishing(t, clients, 100_000, {});
    const { sessions, codes, givenUp, lostMessages } = kept as Line & { givenUp: number[] };
    assert.equal(sessions, 64);
    assert.deepEqual(codes, { ERR_CONNECTION_LOST: clients - 64 });
    assert.equal(new Set(givenUp).size, clients - 64);
    // Of each that was given up, the one message that may not have arrived.
    assert.equal(lostMessages, clients - 64);
    assert.ok(Number(kept["buffers"]) < 16 * megabyte, "nothing of the others is kept");
  });

  test("is at most maxDetachedBytes, however many sessions that are", async (t) => {
    const maxDetachedBytes = 2 * megabyte;
    const kept = await afterVanishing(t, 200, 100_000, { maxDetachedBytes, maxDetachedSessions: 1_000 });
    assert.ok(Number(kept["bytes"]) <= maxDetachedBytes, `${kept["bytes"]} bytes are kept`);
    // A large message is kept whole until the client has all of it, so each session holds all 100,000 bytes.
    assert.equal(kept["sessions"], 20);
  });
});
