import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import {
  type Client,
  type ClientOptions,
  createClient,
  type Server,
  startClient,
  startServer,
} from "sealpipe";
import { childPath } from "../support/children.ts";
import { freshServer } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { childrenWith, isAlive, noProcesses } from "../support/processes.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const timeout = 60_000;
const known = { authenticatedBy: "transport", retryDelayMs: 5, maxRetryDelayMs: 20 } as const;
const node = process.execPath;

/** The command that joins its standard streams with the server's socket; `before`: what a shell does first. */
function joining({ address }: Pick<Server, "address">, before = ""): string[] {
  const join = [node, childPath("socket-stdio"), address];
  return before === "" ? join : ["sh", "-c", `${before}; exec "$@"`, "sh", ...join];
}

async function clientVia(
  t: TestContext,
  via: readonly string[],
  options: ClientOptions = {},
): Promise<Client> {
  const client = await startClient(freshName(), { ...known, via, ...options });
  t.after(() => {
    client.destroy();
    return client.close();
  });
  return client;
}

/** The process of the one command that reaches the server. */
function pidOf({ address }: Server): number {
  const [pid, ...others] = childrenWith(`socket-stdio.js\0${address}`);
  assert.deepEqual(others, []);
  return pid as number;
}

function printing(script: string): string[] {
  return ["sh", "-c", script];
}

/** Runs the command once, and gives what the client says of it. */
async function failureOf(
  via: readonly string[],
  options: ClientOptions = {},
): Promise<Error & { code: string }> {
  try {
    await startClient(freshName(), { ...known, via, retry: false, ...options });
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error("it has connected");
}

describe("a client by way of a command", { timeout, skip: noProcesses }, () => {
  test("talks through its standard input and output, which end with it", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const client = await clientVia(t, joining(server));
    assert.equal((await client.request(1, "hello")).text, "HELLO");
    const large = "x".repeat(3_000_000);
    await client.write(2, large);
    assert.equal((await server.read()).text, large);
    assert.equal(client.address, joining(server).join(" "));
    await client.close();
    await until(() => server.connections.length === 0);
  });

  test("passes over what shells and logins print before the server speaks", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text);
    const noise = `echo "Last login: today"; printf 'a prompt with a stray \\002 byte'; echo err >&2; sleep 0.05; printf '\\002'`;
    const client = await clientVia(t, joining(server, noise));
    assert.equal((await client.request(1, "heard")).text, "heard");
  });

  test("runs it anew when it is killed, and loses nothing", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text);
    // The shell shows which process it is.
    const client = await clientVia(t, joining(server, 'echo "pid $$" >&2'));
    const errors = record<Error>(client, "error");
    const lost = record(client, "session-lost");
    const received: string[] = [];
    server.on("message", ({ text }) => received.push(text));
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 100; number++) await client.write(1, `${round}.${number}`);
      const broken = nextEvent(client, "error");
      const pid = pidOf(server);
      process.kill(pid, round === 1 ? "SIGTERM" : "SIGKILL");
      await broken;
      await client.connected();
    }
    await client.flush();
    assert.equal(received.length, 300);
    assert.equal(new Set(received).size, 300);
    assert.deepEqual(lost, []);
    assert.match(
      (errors[0] as { cause?: Error }).cause?.message ?? "",
      /was ended by SIGKILL; on standard error it said: pid \d+$/,
    );
  });

  test("is rid of one that is stopped", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text);
    const client = await clientVia(t, joining(server), { keepaliveIntervalMs: 100, keepaliveTimeoutMs: 100 });
    const pid = pidOf(server);
    const broken = nextEvent<[Error & { code: string }]>(client, "error");
    process.kill(pid, "SIGSTOP");
    assert.equal((await broken)[0].code, "ERR_KEEPALIVE_TIMEOUT");
    await client.connected();
    assert.equal((await client.request(1, "again")).text, "again");
    await until(() => !isAlive(pid));
  });

  test("leaves no process behind when it is destroyed", async (t) => {
    const server = await freshServer(t);
    const client = await clientVia(t, joining(server, "trap '' TERM"));
    const pid = pidOf(server);
    client.destroy();
    await client.close();
    await until(() => !isAlive(pid));
  });

  test("has a server that is not there yet come up", async (t) => {
    const name = freshName();
    const server = { address: `/tmp/${name}.sock` };
    const client = createClient(freshName(), { ...known, via: joining(server) });
    t.after(() => client.close());
    const errors = record(client, "error");
    await nextEvent(client, "retrying");
    await using there = await startServer(name);
    await client.connected();
    assert.equal(there.connections.length, 1);
    // That nobody is there is no news: `dial` says it by its exit code.
    assert.deepEqual(errors, []);
  });
});

describe("a command that reaches no server", { timeout, skip: noProcesses }, () => {
  test("is quoted, with its exit code and its last words", async () => {
    const error = await failureOf(printing("echo 'Permission denied (publickey).' >&2; exit 255"));
    assert.equal(error.code, "ERR_CONNECT_FAILED");
    assert.match(
      error.message,
      /^cannot connect to sh -c .*: the command exited with the code 255; on standard error it said: Permission denied \(publickey\)\.$/s,
    );
  });

  test("is quoted with what it printed in the protocol's place", async () => {
    const error = await failureOf(printing("echo 'This account is closed.'"));
    assert.match(error.message, /exited with the code 0; it printed: This account is closed\.$/);
  });

  test("is quoted without what could harm a terminal, and only its end", async () => {
    const script = `printf '%03000d' 7 >&2; printf '\\033[2J\\a\\342\\200\\256the end\\r\\n' >&2; exit 1`;
    const { message } = await failureOf(printing(script));
    assert.match(message, /0007\[2Jthe end$/);
    const { length } = message.split("it said: ")[1] as string;
    assert.ok(length > 1_900 && length < 2_000, `${length}`);
  });

  test("is reported when a signal ends it", async () => {
    assert.match((await failureOf(printing("kill -9 $$"))).message, /was ended by SIGKILL$/);
  });

  test("is ended, if it prints without end", async () => {
    const { message } = await failureOf(printing("while :; do echo never the protocol; done"));
    assert.match(
      message,
      /printed too much before the server said anything; it printed: .*never the protocol/s,
    );
  });

  test("is ended, if it prints nothing", async () => {
    const error = await failureOf(printing("exec sleep 60"), { connectTimeoutMs: 200 });
    assert.equal(error.code, "ERR_CONNECT_TIMEOUT");
  });

  test("ends its output and goes on", async () => {
    assert.match((await failureOf(printing("exec >&-; exec sleep 60"))).message, /ended its output$/);
  });

  for (const [which, via, message] of [
    ["is not on this machine", ["/nowhere/ssh", "host"], /cannot be started: spawn \/nowhere\/ssh ENOENT$/],
    ["is not executable", ["/etc/passwd"], /cannot be started: spawn \/etc\/passwd EACCES$/],
    [
      "names a program that is not there",
      printing("exec /nowhere/sealpipe dial"),
      /exited with the code 127; .*not found/,
    ],
  ] as const) {
    test(`ends the client for good, if it ${which}`, async () => {
      const client = createClient(freshName(), { ...known, via });
      await nextEvent(client, "close");
      assert.equal(client.status, "error");
      assert.match(client.lastError?.message ?? "", message);
    });
  }

  test("is tried again for any other failure, which is news once", async (t) => {
    const client = createClient(freshName(), { ...known, via: printing("echo no route >&2; exit 255") });
    t.after(() => client.close());
    const errors = record(client, "error");
    const retries = record(client, "retrying");
    await until(() => retries.length >= 4);
    assert.equal(errors.length, 1);
  });
});
