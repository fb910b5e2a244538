import assert from "node:assert/strict";
import { existsSync, linkSync, rmSync, unlinkSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { type Client, type SealpipeError, startServer } from "sealpipe";
import { isServerAlive } from "#dist/endpoint/server/liveness.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { clientAt, freshServer } from "../support/endpoints.ts";
import { GoPeer, goVersions, lacksGo } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";
import { accepted, addressOf, confirmation, RawPeer } from "../support/raw-peer.ts";
import { nextEvent, until } from "../support/waiting.ts";

const skip = lacksGo();

/** Asks whether a server is alive, as often as a user might start a second one. */
type Ask = (name: string) => Promise<void>;

/** As users do. On Linux the kernel tells, and the server is not touched. */
const byStarting: Ask = async (name) => {
  for (let times = 0; times < 3; times++) {
    await assert.rejects(startServer(name), {
      code: "ERR_ADDRESS_IN_USE",
      message: /a server is alive there/,
    });
  }
};

/** As where the kernel does not tell: under another name, by which it does not list the socket. */
const byConnecting: Ask = async (name) => {
  const path = addressOf(freshName());
  linkSync(addressOf(name), path);
  try {
    assert.equal(await isServerAlive({ kind: "unix-socket", path }, unixSockets), true);
  } finally {
    unlinkSync(path);
  }
};

async function startGo(
  t: TestContext,
  version: (typeof goVersions)[number],
  { name = freshName(), encryption }: { name?: string; encryption: boolean },
): Promise<GoPeer & { name: string }> {
  const go = new GoPeer({ version, role: "server", name, encryption });
  t.after(async () => {
    await go.kill();
    rmSync(addressOf(name), { force: true });
  });
  await go.untilStatus("listening");
  return Object.assign(go, { name });
}

/** A Go server that has not noticed yet that its last client is gone says nothing to the next: that one tries again. */
function goClient(t: TestContext, name: string): Promise<Client> {
  return clientAt(t, name, { encryption: false, handshakeTimeoutMs: 500 });
}

/** Both ways, in order. */
async function talk(go: GoPeer, client: Client, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await client.write(5, `round ${round}`);
    assert.equal((await go.untilMessage())["text"], `round ${round}`);
    await go.write(6, 100 + round, round);
    assert.equal((await client.read({ timeoutMs: 20_000 })).data.length, 100 + round);
  }
}

for (const version of goVersions) {
  for (const [how, ask] of [
    ["a second start", byStarting],
    ["a question by connecting, as on macOS,", byConnecting],
  ] as const) {
    describe(`${how} and a live server of golang-ipc ${version}`, { skip, timeout: 120_000 }, () => {
      for (const encryption of [true, false]) {
        const wire = encryption ? "encrypted" : "plain";

        test(`do no harm if it is idle, ${wire}`, async (t) => {
          const go = await startGo(t, version, { encryption });
          await ask(go.name);
          await talk(go, await goClient(t, go.name), 3);
        });

        test(`do no harm if it is busy, ${wire}`, async (t) => {
          const go = await startGo(t, version, { encryption });
          const client = await goClient(t, go.name);
          let over = false;
          const asked = ask(go.name).finally(() => {
            over = true;
          });
          while (!over) await talk(go, client, 5);
          await asked;
          await talk(go, client, 3);
          assert.equal(client.status, "connected");
        });
      }

      test("do no harm if it is in the middle of a handshake", async (t) => {
        const go = await startGo(t, version, { encryption: false });
        const peer = await RawPeer.connect(addressOf(go.name));
        t.after(() => peer.destroy());
        await peer.receive(2);
        await ask(go.name);
        peer.send(accepted);
        await peer.receive(8);
        await ask(go.name);
        peer.send(confirmation);
        await go.untilStatus("connected");
      });
    });
  }
}

for (const version of goVersions) {
  describe(`a server of golang-ipc ${version} that takes a live address`, { skip, timeout: 120_000 }, () => {
    test("is reported and left alone, and its place is used once it has gone", async (t) => {
      const server = await freshServer(t, { encryption: false, addressCheckIntervalMs: 5 });
      const client = await goClient(t, server.name);
      const lost = nextEvent<[SealpipeError]>(server, "error");
      const go = await startGo(t, version, { name: server.name, encryption: false });
      assert.equal((await lost)[0].code, "ERR_ADDRESS_LOST");

      // Each of the two goes on with its own.
      await talk(go, await goClient(t, server.name), 2);
      await client.write(1, "still here");
      assert.equal((await server.read()).text, "still here");

      await go.kill();
      unlinkSync(server.address);
      await until(() => existsSync(server.address));
      const next = await goClient(t, server.name);
      await next.write(1, "back again");
      assert.equal((await server.read()).text, "back again");
    });
  });
}
