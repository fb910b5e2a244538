import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Client, type SealpipeError, startClient, startServer } from "sealpipe";
import { GoPeer, goDoesNotRetry, goVersions, lacksGo, noGoServer, towardsGo } from "../support/go-peer.ts";
import { hold, letGo } from "../support/held-process.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import { onWindows, sharesPipeNames } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { nextEvent } from "../support/waiting.ts";

const skip = lacksGo();
const serverProgram = fileURLToPath(new URL("../support/children/server.js", import.meta.url));

async function startOurServerProcess(name: string, options: object = {}): Promise<LinesProcess> {
  const server = new LinesProcess(process.execPath, [serverProgram, name, JSON.stringify(options)]);
  await server.until(({ event }) => event === "listening");
  return server;
}

async function untilStatus(client: Client, wanted: string): Promise<void> {
  while (client.status !== wanted) await nextEvent(client, "status");
}

/** Go writes a message and gets it back. */
async function goEchoes(go: GoPeer, bytes: number): Promise<void> {
  // The echo may be there before the word that it was written, so only the echo is waited for.
  go.command({ do: "write", type: 5, bytes, seed: 1 });
  assert.equal((await go.untilMessage())["bytes"], bytes);
}

/** Ends a Go server, and removes the socket that it leaves behind. */
async function killGoServer(go: GoPeer, name: string): Promise<void> {
  await go.kill();
  rmSync(addressOf(name), { force: true });
}

for (const version of goVersions) {
  describe(`golang-ipc ${version} and reconnecting`, { skip }, () => {
    test("Go's client goes on with our server that was killed with SIGKILL and started again", {
      skip: goDoesNotRetry,
    }, async () => {
      const name = freshName();
      const first = await startOurServerProcess(name);
      const go = new GoPeer({
        version,
        role: "client",
        name,
        encryption: true,
        extra: ["--retry-seconds=1"],
      });
      await go.untilStatus("connected");
      await goEchoes(go, 100);

      // Go's client tries again within microseconds, while the kernel still takes the killed server apart, may reach a
      // socket that is about to go, and gives up for ever over that: see docs/golang-ipc.md. So it is held meanwhile.
      // (A pipe is gone at once, and Windows has no such signals.)
      if (!onWindows) await hold(go.child);
      await first.kill();
      if (!onWindows) letGo(go.child);
      await go.untilStatus("reconnecting");
      const second = await startOurServerProcess(name);
      await go.untilStatus("connected");
      await goEchoes(go, 200);

      await go.stop();
      await second.kill();
      rmSync(addressOf(name), { force: true });
    });

    test("our client goes on with Go's server that was killed with SIGKILL and started again", {
      skip: noGoServer(version),
    }, async () => {
      const name = freshName();
      const first = new GoPeer({ version, role: "server", name, encryption: true });
      await first.untilStatus("listening");
      const client = await startClient(name, towardsGo);
      await first.untilStatus("connected");
      await client.write(5, "before");
      assert.equal((await first.untilMessage())["text"], "before");

      const reconnecting = untilStatus(client, "reconnecting");
      await first.kill();
      await reconnecting;
      await client.write(5, "meanwhile");
      const second = new GoPeer({ version, role: "server", name, encryption: true });
      await untilStatus(client, "connected");
      assert.equal((await second.untilMessage())["text"], "meanwhile");
      await second.write(6, 300, 3);
      assert.equal((await client.read()).data.length, 300);

      await client.close();
      await killGoServer(second, name);
    });

    test("Go's server takes our next client after each that closes in order", {
      skip: noGoServer(version),
    }, async (t: TestContext) => {
      const name = freshName();
      const go = new GoPeer({ version, role: "server", name, encryption: true });
      await go.untilStatus("listening");
      const rounds = 20;
      for (let round = 0; round < rounds; round++) {
        const client = await startClient(name, towardsGo);
        await go.untilStatus("connected");
        await client.write(5, `round ${round}`);
        assert.equal((await go.untilMessage())["text"], `round ${round}`);
        await client.close();
        await go.untilStatus(version === "v1.0.0" ? "reconnecting" : "disconnected");
      }
      t.diagnostic(`${rounds} clients, one after another`);
      await killGoServer(go, name);
    });

    test("a Go server that already has a client is named as the likely cause, and is connected to once it is free", {
      skip: noGoServer(version),
    }, async () => {
      const name = freshName();
      const go = new GoPeer({ version, role: "server", name, encryption: true });
      await go.untilStatus("listening");
      const first = await startClient(name, towardsGo);
      await go.untilStatus("connected");

      await assert.rejects(
        startClient(name, { handshakeTimeoutMs: 200, connectTimeoutMs: 500 }),
        (error: Error) => {
          assert.equal((error as SealpipeError).code, "ERR_CONNECT_TIMEOUT");
          assert.equal((error.cause as SealpipeError).code, "ERR_HANDSHAKE_TIMEOUT");
          assert.match((error.cause as Error).message, /golang-ipc server that already has its one client/);
          return true;
        },
      );

      // The first client's traffic was not disturbed.
      await first.write(5, "still here");
      assert.equal((await go.untilMessage())["text"], "still here");

      const second = startClient(name, { handshakeTimeoutMs: 200 });
      await first.close();
      const client = await second;
      await go.untilStatus("connected");
      await client.write(5, "my turn");
      assert.equal((await go.untilMessage())["text"], "my turn");
      await client.close();
      await killGoServer(go, name);
    });

    test("a start beside a live Go server is refused and does the Go server no harm", {
      skip: sharesPipeNames,
    }, async () => {
      const name = freshName();
      const go = new GoPeer({ version, role: "server", name, encryption: true });
      await go.untilStatus("listening");
      await assert.rejects(startServer(name), { code: "ERR_ADDRESS_IN_USE" });
      const client = await startClient(name, towardsGo);
      await go.untilStatus("connected");
      await assert.rejects(startServer(name), { code: "ERR_ADDRESS_IN_USE" });
      await client.write(5, "alive");
      assert.equal((await go.untilMessage())["text"], "alive");
      await client.close();
      await killGoServer(go, name);
    });

    test("a start after a Go server was killed takes its name", { skip: noGoServer(version) }, async () => {
      const name = freshName();
      const go = new GoPeer({ version, role: "server", name, encryption: true });
      await go.untilStatus("listening");
      await go.kill();
      const server = await startServer(name);
      const client = await startClient(name, towardsGo);
      await client.close();
      await server.close();
    });
  });

  describe(`golang-ipc ${version} and encryption insisted on by one side`, { skip }, () => {
    for (const serverEncrypts of [true, false]) {
      for (const clientInsists of [true, false]) {
        const refused = clientInsists && !serverEncrypts;
        const outcome = refused ? "is refused" : serverEncrypts ? "is encrypted" : "is plain";
        const means = `server ${serverEncrypts ? "on" : "off"}, client ${clientInsists ? "insists" : "follows"}: ${outcome}`;

        test(`Go's client, our server: ${means}`, async () => {
          const name = freshName();
          await using server = await startServer(name, { encryption: serverEncrypts });
          const event = once(server, refused ? "error" : "connection");
          const go = new GoPeer({ version, role: "client", name, encryption: clientInsists });
          const [told] = await event;
          if (refused) {
            assert.equal(told.code, "ERR_ENCRYPTION_REQUIRED");
            await go.until(({ event: kind }) => kind === "error");
          } else {
            assert.equal(told.encrypted, serverEncrypts);
            await go.untilStatus("connected");
          }
          await go.kill();
        });

        test(`our client, Go's server: ${means}`, { skip: noGoServer(version) }, async () => {
          const name = freshName();
          const go = new GoPeer({ version, role: "server", name, encryption: serverEncrypts });
          await go.untilStatus("listening");
          const started = startClient(name, { encryption: clientInsists, ...towardsGo });
          if (refused) {
            await assert.rejects(started, { code: "ERR_ENCRYPTION_REQUIRED" });
            await go.until(({ event: kind }) => kind === "error");
          } else {
            const client = await started;
            assert.equal(client.encrypted, serverEncrypts);
            await go.untilStatus("connected");
            await client.close();
          }
          await killGoServer(go, name);
        });
      }
    }
  });
}
