import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, lstatSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { CallerError, startClient, startServer } from "sealpipe";
import { type Activation, activate, activatedCommand, lacksPython } from "../support/activation.ts";
import { exitOf, isEvent } from "../support/children.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshDirectory } from "../support/names.ts";
import { isThere } from "../support/sidecars.ts";
import { lacks } from "../support/toolchains.ts";
import { until } from "../support/waiting.ts";

const skip = process.platform === "linux" ? lacksPython : "Linux alone shows where a descriptor listens";

interface Given extends Omit<Activation, "sockets"> {
  readonly names?: readonly string[];
  readonly options?: object;
  readonly sockets?: Activation["sockets"];
}

/** A program that serves `my-app` on a socket that was handed over, unless something else is given. */
function activated({ names = ["my-app"], options = {}, sockets, ...how }: Given = {}) {
  const directory = freshDirectory();
  const path = join(directory, "my-app.sock");
  const handedOver = (sockets ?? [{ path }]).map((socket) => ({
    ...socket,
    path: join(directory, socket.path),
  }));
  const given = sockets === undefined ? [{ path }] : handedOver;
  const command = activatedCommand(names, { fd: 3, directory, ...options });
  const program = activate({ sockets: given, ...how }, command);
  after(() => program.kill());
  return { program, directory, path };
}

async function pidAt(directory: string, name = "my-app"): Promise<number> {
  await using client = await startClient(name, { directory, connectTimeoutMs: 15_000 });
  return Number((await client.request(1, "")).text);
}

describe("a server on a descriptor that was handed over", { skip }, () => {
  for (const fd of [3, "systemd"]) {
    test(`serves on ${fd === 3 ? "the one with that number" : "the one that systemd names"}, and leaves its file alone`, async () => {
      const { program, directory, path } = activated({ options: { fd, addressCheckIntervalMs: 2 } });
      const { pid } = await program.until(isEvent("listening"));
      const before = lstatSync(path);
      assert.equal(await pidAt(directory), pid);
      const client = await startClient("my-app", { directory, retry: false });
      await client.shutdownServer();
      await program.until(isEvent("closed"));
      await client.close();
      const { ino, mode, ctimeMs } = lstatSync(path);
      assert.deepEqual([ino, mode, ctimeMs], [before.ino, before.mode, before.ctimeMs]);
    });
  }

  test("is found by its path among several, one for each server", async () => {
    const sockets = ["other.sock", "my-app.sock", "third.sock"].map((path) => ({ path }));
    const { program, directory } = activated({
      sockets,
      names: ["my-app", "third"],
      options: { fd: "systemd" },
    });
    for (const name of ["my-app", "third"]) {
      const { pid, ...line } = await program.until(() => true);
      assert.deepEqual(line, { event: "listening", name });
      assert.equal(await pidAt(directory, name), pid);
    }
    const other = createConnection(join(directory, "other.sock"));
    await once(other, "connect");
    other.destroy();
  });

  test("is a daemon that ends when it is idle, and is started again for the next client", async () => {
    const { program, directory, path } = activated({
      options: { fd: "systemd", idleTimeoutMs: 700, resumeWindowMs: 0 },
      rounds: 3,
    });
    await program.until(isEvent("waiting"));
    const pids: number[] = [];
    for (let round = 0; round < 3; round++) {
      const pid = await pidAt(directory);
      pids.push(pid);
      await until(() => !isThere(pid));
      assert.ok(existsSync(path));
    }
    assert.equal(new Set(pids).size, 3);
    assert.equal(await exitOf(program), 0);
  });

  for (const [what, how] of [
    ["none was handed over", { pid: "" }],
    ["they were for another process", { pid: "1" }],
    ["their number is none", { count: "many" }],
    ["their number is 0", { count: "0" }],
  ] as const) {
    test(`is one of its own if ${what}`, async () => {
      const { program, directory, path } = activated({
        sockets: [{ path: "x" }],
        options: { fd: "systemd" },
        ...how,
      });
      const { pid, event } = await program.until(() => true);
      assert.equal(event, "listening");
      assert.equal(lstatSync(path).mode & 0o777, 0o600);
      assert.equal(await pidAt(directory), pid);
    });
  }

  for (const [what, given, message] of [
    ["is no socket", { sockets: [{ path: "f", kind: "file" }] }, /descriptor 3 is no socket/],
    ["is not there", { sockets: [] }, /descriptor 3 is no socket/],
    ["is a TCP socket", { sockets: [{ path: "t", kind: "tcp" }] }, /descriptor 3 is no Unix socket/],
    ["is bound nowhere", { sockets: [{ path: "u", kind: "unbound" }] }, /EINVAL/],
    ["listens at another path", { sockets: [{ path: "other.sock" }] }, /at another path: .*\/other\.sock/],
    [
      "is none of those that systemd names",
      { sockets: [{ path: "one.sock" }, { path: "two.sock" }], options: { fd: "systemd" } },
      /at another path: .*\/one\.sock, .*\/two\.sock/,
    ],
    [
      "may be written to by others",
      { sockets: [{ path: "my-app.sock", mode: 0o666 }] },
      /0666, so that other users may connect: make it 0600/,
    ],
  ] as const) {
    test(`is refused if it ${what}`, async () => {
      const { program } = activated(given as Given);
      const { event, code, message: said } = await program.until(() => true);
      assert.deepEqual([event, code], ["failed", "ERR_LISTEN_FAILED"]);
      assert.match(said as string, message);
    });
  }

  test("may be written to by others if the server says so", async () => {
    const { program, directory, path } = activated({
      sockets: [{ path: "my-app.sock", mode: 0o666 }],
      options: { unmaskPermissions: true },
    });
    const { pid } = await program.until(isEvent("listening"));
    assert.equal(lstatSync(path).mode & 0o777, 0o666);
    assert.equal(await pidAt(directory), pid);
  });

  test("is refused to a second server of the same process, and given up with the first", async () => {
    const { program } = activated({ names: ["my-app", "my-app"] });
    await program.until(isEvent("listening"));
    const { code, message } = await program.until(isEvent("failed"));
    assert.equal(code, "ERR_ADDRESS_IN_USE");
    assert.match(message as string, /another server of this process has the descriptor 3/);
  });

  test("keeps a server that somebody starts by hand from taking the name", async () => {
    const { program, directory } = activated();
    await program.until(isEvent("listening"));
    await assert.rejects(startServer("my-app", { directory }), { code: "ERR_ADDRESS_IN_USE" });
  });

  for (const fd of [2, 0, -1, 3.5, "3", "", true, 2 ** 31]) {
    test(`is refused as an option if it is ${JSON.stringify(fd)}`, async () => {
      await assert.rejects(
        startServer("my-app", { directory: freshDirectory(), fd: fd as number }),
        (error) => error instanceof CallerError && error.code === "ERR_INVALID_OPTION",
      );
    });
  }
});

test("a server that does not listen has no descriptor to listen on", async () => {
  const both = { listen: false, fd: 3, secret: "a secret" };
  await assert.rejects(startServer("my-app", both), { code: "ERR_INVALID_OPTION" });
});

describe("a server that systemd's own tool activates", {
  skip: process.platform === "linux" ? lacks("systemd-socket-activate", "--version") : "it is Linux's",
}, () => {
  test("is started by its first client, and answers it", async () => {
    const directory = freshDirectory();
    const command = activatedCommand(["my-app"], { fd: "systemd", directory });
    const listen = `--listen=${join(directory, "my-app.sock")}`;
    const program = new LinesProcess("systemd-socket-activate", [listen, ...command]);
    after(() => program.kill());
    const pid = await pidAt(directory);
    assert.equal(pid, program.child.pid);
    assert.equal((await program.until(isEvent("listening")))["pid"], pid);
  });
});
