import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttackedServer, describeAttacks } from "../support/attack.ts";
import { uint32 } from "../support/bytes.ts";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { clientAt } from "../support/endpoints.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import { addressOf, type RawPeer } from "../support/raw-peer.ts";
import { openWireAsClient } from "../support/sealed-peer.ts";

const timeout = 180_000;
const mebibyte = 1_048_576;
const tooMany = "ERR_TOO_MANY_HANDSHAKES";

/** Nobody's time may be over by itself: what lets others in is something else. */
const never = { handshakeTimeoutMs: 3_600_000 };

/** Processes that together keep so many silent connections. */
async function startSilent(
  server: AttackedServer,
  { count, manner, bytes = "" }: { count: number; manner: "stay" | "return"; bytes?: string },
): Promise<LinesProcess[]> {
  // So that none needs more descriptors than a process may have anywhere.
  const each = 500;
  const path = addressOf(server.name);
  const attackers = Array.from({ length: count / each }, () =>
    startChild("silent-clients", path, String(each), manner, bytes),
  );
  await Promise.all(attackers.map((attacker) => attacker.until(isEvent("connected"))));
  return attackers;
}

async function end(attackers: readonly LinesProcess[]): Promise<void> {
  for (const attacker of attackers) attacker.child.stdin?.end();
  await Promise.all(attackers.map(exitOf));
}

const mib = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`;

/** The server's memory before, during and after what `act` does. */
async function measure(
  t: { diagnostic(message: string): void },
  server: AttackedServer,
  act: () => Promise<() => Promise<void>>,
): Promise<number> {
  const before = await server.report();
  const letGo = await act();
  await server.healthy.goOn(20);
  const during = await server.report();
  await letGo();
  await server.healthy.goOn(200);
  const after = await server.report();
  t.diagnostic(
    `RSS ${mib(before.rssBytes)} before, ${mib(during.rssBytes)} during, ${mib(after.rssBytes)} after, ` +
      `${mib(after.peakRssBytes)} at its highest`,
  );
  return after.peakRssBytes - before.rssBytes;
}

describeAttacks("beside a healthy client, silent connections", { timeout }, (attack) => {
  test("5000 at once: the oldest give way, with an error each, and memory is bounded", (t) =>
    attack(t, { ...never, minRoundTrips: 200 }, async (server) => {
      const grown = await measure(t, server, async () => {
        const attackers = await startSilent(server, { count: 5_000, manner: "stay" });
        // 1024 in all: the healthy client, and 1023 of the 5000. The system lets them wait before they are accepted.
        for (let dropped = 0; dropped < 5_000 - 1_023; )
          dropped = (await server.report()).errors[tooMany] ?? 0;
        const { errors, connections } = await server.report();
        assert.deepEqual(errors, { [tooMany]: 5_000 - 1_023 });
        assert.equal(connections, 1);
        const newest = await clientAt(t, server.name);
        await newest.close();
        return () => end(attackers);
      });
      assert.ok(grown < 128 * mebibyte, `the server grew by ${mib(grown)}`);
    }));

  for (const { what, manner, bytes } of [
    { what: "say nothing, and come back when they are dropped,", manner: "return", bytes: "" },
    { what: "accept the hello, and then say nothing,", manner: "stay", bytes: "00" },
  ] as const) {
    test(`1000 that ${what} keep no new client out`, (t) =>
      attack(t, { ...never, maxPendingHandshakes: 500, minRoundTrips: 100 }, async (server) => {
        const attackers = await startSilent(server, { count: 1_000, manner, bytes });
        const before = (await server.report()).errors[tooMany] ?? 0;
        for (let round = 0; round < 5; round++) {
          const client = await clientAt(t, server.name);
          await client.write(1, "let me in");
          assert.equal((await client.read()).text, "let me in");
          await client.close();
        }
        const evicted = ((await server.report()).errors[tooMany] ?? 0) - before;
        t.diagnostic(`5 new clients were served while ${evicted} silent ones were dropped`);
        await end(attackers);
      }));
  }

  test("300 that send their keys byte by byte, again and again, keep no new client out", (t) =>
    attack(t, { ...never, minRoundTrips: 100 }, async (server) => {
      const attackers = Array.from({ length: 2 }, () =>
        startChild("trickling-clients", addressOf(server.name), "150"),
      );
      await Promise.all(attackers.map((attacker) => attacker.until(isEvent("trickling"))));
      for (let round = 0; round < 5; round++) {
        const client = await clientAt(t, server.name);
        await client.write(1, "let me in");
        assert.equal((await client.read()).text, "let me in");
        await client.close();
      }
      await end(attackers);
    }));

  test("as many as there may be handshakes keep no new client out, however few those are", (t) =>
    attack(t, { ...never, maxPendingHandshakes: 2 }, async (server) => {
      for (let round = 0; round < 10; round++) {
        await server.connect();
        const client = await clientAt(t, server.name);
        await client.close();
      }
      // Two places: each new client drops the silent one that came before the last.
      const { errors } = await server.report();
      assert.deepEqual(errors, { [tooMany]: 9 });
    }));
});

describeAttacks("beside a healthy client, claims of memory", { timeout }, (attack) => {
  const limit = 3_145_728 + 32;
  for (const [count, claim, code] of [
    [1, 2 ** 32 - 1, "ERR_PEER_MESSAGE_TOO_LARGE"],
    [50, 2 ** 32 - 1, "ERR_PEER_MESSAGE_TOO_LARGE"],
    [50, limit, undefined],
  ] as const) {
    test(`${count} of ${claim} bytes, without sending them, cost nothing to speak of`, (t) =>
      attack(t, {}, async (server) => {
        const grown = await measure(t, server, async () => {
          const peers: RawPeer[] = [];
          for (let index = 0; index < count; index++) {
            const peer = await server.connect();
            await openWireAsClient(peer, true);
            peer.send(uint32(claim));
            if (code !== undefined) assert.equal(await server.nextError(), code);
            peers.push(peer);
          }
          const open = code === undefined ? 1 + count : 1;
          while ((await server.report()).connections !== open);
          return async () => {
            for (const peer of peers) peer.destroy();
          };
        });
        assert.ok(grown < 32 * mebibyte, `the server grew by ${mib(grown)}`);
      }));
  }
});
