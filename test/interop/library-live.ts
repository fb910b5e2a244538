import assert from "node:assert/strict";
import { once } from "node:events";
import { before, describe, type TestContext, test } from "node:test";
import { type Client, type Connection, type Server, startClient, startServer } from "sealpipe";
import { hold, letGo } from "../support/held-process.ts";
import { freshName } from "../support/names.ts";
import type { OtherEnd, OtherLibrary } from "../support/other-end.ts";
import { onWindows } from "../support/platform.ts";
import { nextEvent, record } from "../support/waiting.ts";

export function describeLive(other: OtherLibrary): void {
  const { handshakes } = other;
  const inOrder = 1_000;
  /** Lower types mean something to the other end. */
  const firstType = 1_000;
  const keepalive = { keepaliveIntervalMs: 50, keepaliveTimeoutMs: 200 } as const;

  async function withOurServer(): Promise<{ them: OtherEnd; ours: Connection; end: Server }> {
    const name = freshName();
    const server = await startServer(name, keepalive);
    const connected = once(server, "connection") as Promise<[Connection]>;
    const them = other.start("client", name);
    const [ours] = await connected;
    return { them, ours, end: server };
  }

  async function withOurClient(): Promise<{ them: OtherEnd; ours: Client; end: Client }> {
    const name = freshName();
    const them = other.start("server", name);
    await them.untilStatus("listening");
    const client = await startClient(name, { ...keepalive, retryDelayMs: 10 });
    return { them, ours: client, end: client };
  }

  async function untilStatus(end: Client | Connection, wanted: string): Promise<void> {
    while (end.status !== wanted) await nextEvent(end, "status");
  }

  const roles = {
    [`a ${other.name} client of our server`]: withOurServer,
    [`a ${other.name} server of our client`]: withOurClient,
  };

  describe(`live, with the ${other.name} library,`, { skip: other.skip, timeout: 300_000 }, () => {
    before(() => {
      other.prepare();
    });

    test(`${handshakes} clients in ${other.name}, one after another, are served by our server`, async (t: TestContext) => {
      const name = freshName();
      await using server = await startServer(name);
      const errors = record<Error>(server, "error");
      server.on("message", ({ type, data, connection }) => connection.write(type, data));
      const them = other.shakeHands(name, handshakes);
      const done = await them.until(({ event }) => event === "done" || event === "failed");
      assert.deepEqual(done, { event: "done", rounds: handshakes });
      assert.deepEqual(errors, []);
      assert.equal(server.stats().totalConnections, handshakes);
      t.diagnostic(`${handshakes} encrypted handshakes, ${errors.length} failed`);
      await them.kill();
    });

    test(`${handshakes} clients of ours, one after another, are served by a ${other.name} server`, async (t: TestContext) => {
      const name = freshName();
      const them = other.start("server", name, "--echo");
      await them.untilStatus("listening");
      for (let round = 0; round < handshakes; round++) {
        const client = await startClient(name);
        await client.write(7, String(round));
        assert.equal((await client.read({ timeoutMs: 10_000 })).text, String(round));
        await client.close();
      }
      t.diagnostic(`${handshakes} encrypted handshakes, 0 failed`);
      await them.stop();
    });

    for (const [pair, converse] of Object.entries(roles)) {
      test(`${inOrder} messages to ${pair} arrive in order`, async (t: TestContext) => {
        const { them, ours, end } = await converse();
        for (let number = 1; number <= inOrder; number++) void ours.write(firstType + number, String(number));
        for (let number = 1; number <= inOrder; number++) {
          assert.equal((await them.untilEvent("message"))["type"], firstType + number);
        }
        t.diagnostic(`${inOrder} messages, in order`);
        await end.close();
        await them.stop();
      });

      test(`${pair} that is stopped with SIGSTOP is noticed, and nothing is lost once it goes on`, {
        skip: onWindows,
      }, async (t: TestContext) => {
        const { them, ours, end } = await converse();
        const lost = record(ours, "session-lost");
        await ours.write(5, "before");
        await them.untilEvent("message");
        const noticed = nextEvent<[{ code: string }]>(ours, "error");
        await hold(them.child);
        for (let number = 1; number <= 100; number++) void ours.write(firstType + number, "meanwhile");
        assert.equal((await noticed)[0].code, "ERR_KEEPALIVE_TIMEOUT");
        assert.equal(ours.status, "reconnecting");
        letGo(them.child);
        await untilStatus(ours, "connected");
        for (let number = 1; number <= 100; number++) {
          assert.equal((await them.untilEvent("message"))["type"], firstType + number);
        }
        await ours.flush();
        assert.deepEqual(lost, []);
        assert.ok(ours.stats().resumes >= 1);
        t.diagnostic(`resumed ${ours.stats().resumes} times, 100 messages, 0 lost`);
        await end.close();
        await them.stop();
      });
    }

    test(`a client of ours that a ${other.name} server drops, as it does not read, hears why`, async () => {
      const name = freshName();
      const them = other.start("server", name, "--close-timeout-ms", "100");
      await them.untilStatus("listening");
      const client = await startClient(name, { maxQueuedBytes: 300_000, retryDelayMs: 10 });
      const errors = record<{ code: string }>(client, "error");
      await them.untilEvent("connected");
      them.command({ do: "broadcast", type: 5, bytes: 100_000, count: 200, id: 0 });
      await them.until(({ event, code }) => event === "error" && code === "ERR_QUEUE_FULL");
      while (errors.length < 2) await nextEvent(client, "error");
      assert.deepEqual(
        errors.slice(0, 2).map(({ code }) => code),
        ["ERR_CONNECTION_LOST", "ERR_FELL_BEHIND"],
      );
      client.destroy();
      await client.close();
      await them.stop();
    });

    test(`the error of a second server names the ${other.name} process that has the address`, {
      skip: process.platform !== "linux",
    }, async () => {
      const name = freshName();
      const first = other.start("server", name);
      await first.untilStatus("listening");
      const second = other.start("server", name);
      const { code, message } = await second.untilEvent("failed");
      assert.equal(code, "ERR_ADDRESS_IN_USE");
      assert.match(
        message as string,
        new RegExp(
          `a server is alive there, the process ${first.child.pid} \\(${other.program}\\d*(\\.\\d+)?\\)`,
        ),
      );
      await second.kill();
      await first.stop();
    });
  });
}
