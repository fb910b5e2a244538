import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type SealpipeError, SystemError, startServer } from "sealpipe";
import { exitOf, isEvent, startChild, startServerProcess } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { clientAt, freshServer, serverAt } from "../support/endpoints.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { sharesPipeNames } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { nextEvent } from "../support/waiting.ts";

const shared = { skip: sharesPipeNames };
const unixOnly = process.platform === "win32" && "pipes have no file";
const timeout = 120_000;

function inUse(reason: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SystemError);
    assert.equal(error.code, "ERR_ADDRESS_IN_USE");
    assert.match(error.message, reason);
    return true;
  };
}

describe("the socket's mode", { skip: unixOnly, timeout }, () => {
  for (const unmaskPermissions of [false, true]) {
    const mode = unmaskPermissions ? "777" : "600";
    for (const umask of ["000", "022", "077"]) {
      const title = unmaskPermissions ? " with unmaskPermissions" : "";
      test(`is 0${mode}${title} under umask ${umask}, which stays as it is`, async () => {
        const name = freshName();
        const child = startChild("contender", name, JSON.stringify({ unmaskPermissions }), umask);
        child.command({ do: "start" });
        const { umask: after } = await child.until(isEvent("listening"));
        assert.equal(after, Number.parseInt(umask, 8));
        assert.equal((lstatSync(addressOf(name)).mode & 0o7777).toString(8), mode);
        child.command({ do: "close" });
        assert.equal(await exitOf(child), 0);
        assert.equal(existsSync(addressOf(name)), false);
      });

      test(`is never another${title} under umask ${umask}, at no moment`, async () => {
        const directory = freshDirectory();
        const watcher = startChild("mode-watcher", directory);
        await watcher.until(isEvent("watching"));
        const starter = startChild(
          "start-many",
          directory,
          "100",
          JSON.stringify({ unmaskPermissions }),
          umask,
        );
        // Where the machine is busy the watcher may not have had its turn while a hundred were started.
        await watcher.until(isEvent("seen"));
        starter.command({ do: "stop" });
        assert.equal(await exitOf(starter), 0, starter.stderr);
        watcher.command({ do: "stop" });
        const seen = await watcher.until(({ looks }) => looks !== undefined);
        assert.deepEqual(seen["socketModes"], [mode]);
        // Where the socket is bound before it is shown. A umask can take from it, and nothing can add.
        for (const seenMode of seen["directoryModes"] as string[]) {
          assert.equal(Number.parseInt(seenMode, 8) & 0o077, 0, seenMode);
        }
        assert.equal(await exitOf(watcher), 0);
      });
    }
  }
});

describe("the socket's file", { skip: unixOnly, timeout }, () => {
  test("lies in the directory that was asked for, alone, and is gone after the close", async (t) => {
    const directory = freshDirectory();
    const server = await serverAt(t, "my-app", { directory });
    assert.equal(server.address, join(directory, "my-app.sock"));
    assert.deepEqual(readdirSync(directory), ["my-app.sock"]);
    const client = await clientAt(t, "my-app", { directory });
    assert.equal(client.address, server.address);
    await client.close();
    await server.close();
    assert.deepEqual(readdirSync(directory), []);
  });

  test("is not removed if it is another's by now", async (t) => {
    const directory = freshDirectory();
    const server = await serverAt(t, "my-app", { directory });
    rmSync(server.address);
    writeFileSync(server.address, "another's");
    await server.close();
    assert.deepEqual(readdirSync(directory), ["my-app.sock"]);
  });

  test("is put back if it vanishes, and a client that waits for it comes in", async (t) => {
    const directory = freshDirectory();
    const server = await serverAt(t, "my-app", { directory, addressCheckIntervalMs: 2 });
    rmSync(server.address);
    const client = await clientAt(t, "my-app", { directory });
    await client.write(1, "found you");
    assert.equal((await server.read()).text, "found you");
    await client.close();
    await server.close();
    assert.deepEqual(readdirSync(directory), []);
  });

  test("is lost to another, which an error event reports; the present clients stay", async (t) => {
    const directory = freshDirectory();
    const server = await serverAt(t, "my-app", { directory, addressCheckIntervalMs: 2 });
    const client = await clientAt(t, "my-app", { directory });
    const lost = nextEvent<[SealpipeError, unknown]>(server, "error");
    writeFileSync(`${server.address}.new`, "another's");
    renameSync(`${server.address}.new`, server.address);
    const [error, connection] = await lost;
    assert.equal(error.code, "ERR_ADDRESS_LOST");
    assert.equal(connection, undefined);
    await client.write(1, "still here");
    assert.equal((await server.read()).text, "still here");
    assert.equal(server.status, "listening");
  });

  test("is put back by a server that does not keep its process alive, and still does not", async () => {
    const directory = freshDirectory();
    const child = startChild("unref-restored", directory);
    await child.until(isEvent("restored"));
    assert.equal(await exitOf(child), 0, child.stderr);
  });

  test("is replaced if its server was killed", async (t) => {
    const name = freshName();
    const killed = await startServerProcess(name);
    const before = lstatSync(addressOf(name)).ino;
    await killed.kill();
    assert.equal(lstatSync(addressOf(name)).ino, before, "it is still there");
    const server = await serverAt(t, name);
    assert.notEqual(lstatSync(addressOf(name)).ino, before);
    const client = await clientAt(t, name);
    await client.write(1, "to the living");
    assert.equal((await server.read()).text, "to the living");
  });

  test("that cannot be removed is an error event of the close, which goes on", async (t) => {
    const directory = freshDirectory();
    const server = await serverAt(t, "my-app", { directory });
    const client = await clientAt(t, "my-app", { directory });
    const lost = nextEvent<[string]>(client, "status");
    const moved = `${directory}.moved`;
    renameSync(directory, moved);
    writeFileSync(directory, "");
    const failed = nextEvent<[Error]>(server, "error");
    await server.close();
    const [error] = await failed;
    assert.equal((error as SealpipeError).code, "ERR_LISTEN_FAILED");
    assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOTDIR");
    assert.equal(server.status, "closed");
    assert.deepEqual(await lost, ["reconnecting"]);
    rmSync(moved, { recursive: true });
  });
});

describe("an address in use", { timeout }, () => {
  test(
    "by a live server of another process is refused, and harms neither it nor its client",
    shared,
    async (t) => {
      const name = freshName();
      const child = await startServerProcess(name);
      const client = await clientAt(t, name);
      for (let round = 0; round < 3; round++) {
        await assert.rejects(startServer(name), inUse(/is in use/));
        await client.write(1, `round ${round}`);
        assert.equal((await client.read()).text, `round ${round}`);
      }
      assert.equal(client.status, "connected");
      await (await clientAt(t, name)).close();
      await client.close();
      await child.kill();
      rmSync(addressOf(name), { force: true });
    },
  );

  test(
    "by a live server of this process is refused, and harms neither it nor its client",
    shared,
    async (t) => {
      const server = await freshServer(t);
      const client = await clientAt(t, server.name);
      await assert.rejects(startServer(server.name), inUse(/is in use/));
      await client.write(1, "still here");
      assert.equal((await server.read()).text, "still here");
    },
  );

  for (const [what, make] of [
    ["a file", (path: string) => writeFileSync(path, "precious")],
    ["a directory", (path: string) => mkdirSync(path)],
    ["a symbolic link to nothing", (path: string) => symlinkSync("nowhere", path)],
    ["a symbolic link to a dead socket", (path: string) => symlinkSync("dead", path)],
  ] as const) {
    test(`by ${what} is refused, and that stays as it is`, { skip: unixOnly }, async () => {
      const directory = freshDirectory();
      await leaveDeadSocket(join(directory, "dead"));
      const path = join(directory, "my-app.sock");
      make(path);
      const before = lstatSync(path);
      await assert.rejects(startServer("my-app", { directory }), inUse(/is not a socket/));
      const after = lstatSync(path);
      assert.equal(after.ino, before.ino);
      assert.equal(after.mode, before.mode);
      assert.deepEqual(readdirSync(directory).sort(), ["dead", "my-app.sock"]);
    });
  }

  test("cannot be if there is no directory", { skip: unixOnly }, async () => {
    await assert.rejects(startServer("my-app", { directory: join(freshDirectory(), "nowhere") }), {
      code: "ERR_LISTEN_FAILED",
    });
  });
});

describe("many servers that start at the same instant", { timeout }, () => {
  async function race(name: string, contenders: number): Promise<void> {
    const children = Array.from({ length: contenders }, () => startChild("contender", name, "{}"));
    for (const child of children) await child.until(isEvent("ready"));
    for (const child of children) child.command({ do: "start" });
    const lines = await Promise.all(
      children.map((child) => child.until(({ event }) => event === "listening" || event === "failed")),
    );
    const outcomes = lines.map(({ event, code }) => (event === "listening" ? event : code)).sort();
    const others = Array.from({ length: contenders - 1 }, () => "ERR_ADDRESS_IN_USE");
    assert.deepEqual(outcomes, [...others, "listening"]);
    for (const child of children) child.command({ do: "close" });
    for (const child of children) assert.equal(await exitOf(child), 0, child.stderr);
    assert.equal(existsSync(addressOf(name)), false);
  }

  for (let round = 1; round <= 5; round++) {
    test(`have exactly one winner of four, at a dead socket, round ${round}`, {
      skip: unixOnly,
    }, async () => {
      const name = freshName();
      await leaveDeadSocket(addressOf(name));
      await race(name, 4);
    });
  }
});
