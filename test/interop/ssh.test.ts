import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { type Client, type ClientOptions, createClient, startClient, startServer } from "sealpipe";
import { chaos } from "../chaos/chaos.ts";
import { cutSsh } from "../chaos/cut-ssh.ts";
import { freshServer } from "../support/endpoints.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { childrenWith, isAlive } from "../support/processes.ts";
import { sealpipeProgram } from "../support/sealpipe-program.ts";
import { lacksSshd, SshServer } from "../support/ssh-server.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const known = { authenticatedBy: "transport", retryDelayMs: 5, maxRetryDelayMs: 50 } as const;

describe("a server that is reached by ssh", { skip: lacksSshd(), timeout: 120_000 }, () => {
  let sshd: SshServer;
  before(async () => {
    sshd = await SshServer.start();
  });
  after(() => sshd.stop());

  const dial = (name: string): string[] => [process.execPath, sealpipeProgram, "dial", name];

  async function clientVia(t: TestContext, via: string[], options: ClientOptions = {}): Promise<Client> {
    const client = await startClient(freshName(), { ...known, via, ...options });
    t.after(() => {
      client.destroy();
      return client.close();
    });
    return client;
  }

  async function failureOf(via: string[]): Promise<string> {
    const failed = startClient(freshName(), { ...known, via, retry: false });
    const error = await failed.then(
      () => assert.fail("it has connected"),
      (failure: Error) => failure,
    );
    return error.message;
  }

  test("is connected, whatever the login prints", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const client = await clientVia(
      t,
      sshd.command(["echo", "'Welcome!'", ";", "exec", ...dial(server.name)]),
    );
    assert.equal((await client.request(1, "hello")).text, "HELLO");
    const large = "x".repeat(3_000_000);
    await client.write(2, large);
    assert.equal((await server.read()).text, large);
    await client.close();
    await until(() => server.connections.length === 0);
  });

  test("leaves no process there when ssh is killed", async (t) => {
    const server = await freshServer(t);
    const client = await clientVia(t, sshd.command(dial(server.name)), { retry: false });
    const sessions = childrenWith("sshd", sshd.pid).flatMap((pid) => [pid, ...childrenWith("", pid)]);
    const dials = sessions.flatMap((pid) => childrenWith(`dial\0${server.name}`, pid));
    assert.equal(dials.length, 1);
    const ended = nextEvent(client, "close");
    process.kill(childrenWith(`-p\0${sshd.port}`)[0] as number, "SIGKILL");
    await ended;
    await until(() => ![...sessions, ...dials].some(isAlive));
  });

  test("may come up later, which is no news", async (t) => {
    const name = freshName();
    const client = createClient(freshName(), { ...known, via: sshd.command(dial(name)) });
    t.after(() => client.close());
    const errors = record(client, "error");
    await nextEvent(client, "retrying");
    await using server = await startServer(name);
    await client.connected();
    assert.equal(server.connections.length, 1);
    assert.deepEqual(errors, []);
  });

  test("is not reached by a terminal, which changes bytes", async () => {
    const message = await failureOf(sshd.command(dial(freshName()), ["-tt"]));
    assert.match(message, /exited with the code 2; .*standard input is a terminal, which changes bytes/s);
  });

  test("is not reached with another user's key, and ssh's words say so", async () => {
    const via = sshd.command(dial(freshName())).map((word) => (word.endsWith("/user") ? "/nowhere" : word));
    assert.match(await failureOf(via), /exited with the code 255; .*Permission denied \(publickey\)/s);
  });

  test("is not reached if no sshd is there", async () => {
    const via = sshd.command(dial(freshName())).map((word) => (word === `${sshd.port}` ? "1" : word));
    assert.match(await failureOf(via), /exited with the code 255; .*Connection refused/s);
  });

  test("is not reached if sealpipe is not installed there, for good", async () => {
    const via = sshd.command(["/nowhere/sealpipe", "dial", "my-app"]);
    const client = createClient(freshName(), { ...known, via });
    await nextEvent(client, "close");
    assert.match(client.lastError?.message ?? "", /exited with the code 127; .*not found|No such file/s);
  });

  test("is reached through a socket that ssh -L forwards, too", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const directory = freshDirectory();
    const local = join(directory, "my-app.sock");
    const [ssh = "", ...args] = sshd.command([], ["-N", "-L", `${local}:${server.address}`]);
    const forwarding = spawn(ssh, args, { stdio: ["ignore", "ignore", "inherit"] });
    t.after(async () => {
      const ended = once(forwarding, "exit");
      forwarding.kill("SIGKILL");
      await ended;
    });
    await until(() => existsSync(local));
    await using client = await startClient("my-app", { directory });
    assert.equal((await client.request(1, "hello")).text, "HELLO");
  });

  test("loses nothing, whatever is killed or stopped", async (t) => {
    const { harm, client, server, failures } = await chaos(
      { cuts: 4, encryption: true, say: () => {} },
      cutSsh,
    );
    assert.deepEqual(failures, []);
    assert.equal(harm.cuts, 4);
    t.diagnostic(`${harm.cuts} cuts, ${client.sent + server.sent} messages`);
  });
});
