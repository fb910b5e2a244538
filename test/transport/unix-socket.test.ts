import "../support/mocked-timers.ts";
import assert from "node:assert/strict";
import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { SystemError } from "sealpipe";
import type { Address } from "#dist/transport/address.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { Accepting, never } from "../support/accepting.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";
import { RecordingHandler } from "../support/recording-handler.ts";
import { notRoot, otherUid } from "../support/users.ts";
import { until } from "../support/waiting.ts";

const skip = process.platform === "win32" && "Unix sockets are not used on Windows";

function freshAddress(): Address {
  return { kind: "unix-socket", path: join(freshDirectory(), "a.sock") };
}

describe("a Unix socket that listens", { skip }, () => {
  for (const openToAllUsers of [false, true]) {
    const mode = openToAllUsers ? 0o777 : 0o600;
    const users = openToAllUsers ? "all users" : "its owner alone";
    for (const umask of [0o000, 0o022, 0o077, 0o777]) {
      test(`has mode ${mode.toString(8)} for ${users} under umask ${umask.toString(8)}`, async () => {
        const address = freshAddress();
        const before = process.umask(umask);
        try {
          const accepting = await Accepting.listen(unixSockets, address, { openToAllUsers });
          assert.equal(process.umask(), umask, "the umask is not changed");
          assert.equal(lstatSync(address.path).mode & 0o7777, mode);
          await accepting.close();
        } finally {
          process.umask(before);
        }
      });
    }
  }

  test("is the only thing left in its directory, and gone when it is closed", async () => {
    const address = freshAddress();
    const accepting = await Accepting.listen(unixSockets, address);
    assert.deepEqual(readdirSync(dirname(address.path)), ["a.sock"]);
    await accepting.close();
    assert.deepEqual(readdirSync(dirname(address.path)), []);
  });

  test("is closed twice without harm to the one that came between", async () => {
    const address = freshAddress();
    const first = await Accepting.listen(unixSockets, address);
    await first.close();
    const second = await Accepting.listen(unixSockets, address);
    await first.close();
    assert.ok(existsSync(address.path));
    await second.close();
  });

  const noTable = process.platform !== "linux" && "only Linux tells where a socket was bound";
  for (const [what, make] of [
    ["a link to a directory of ours", (path: string, precious: string) => symlinkSync(precious, path)],
    ["a directory", (path: string) => mkdirSync(path)],
    ["a file", (path: string) => writeFileSync(path, "precious")],
  ] as const) {
    test(`is closed and removes nothing, whatever has the place where it was bound: ${what}`, {
      skip: noTable,
    }, async () => {
      const address = freshAddress();
      const accepting = await Accepting.listen(unixSockets, address);
      const staged = boundPaths().find((path) => path.startsWith(`${dirname(address.path)}/.sp-`));
      assert.ok(staged !== undefined, "the kernel tells where the socket was bound");
      assert.match(basename(staged), /^a\.sp-/, "and shows its name");
      const precious = freshDirectory();
      // Every name that the library gives to a file.
      for (const name of ["s", "d", "a.sock"]) writeFileSync(join(precious, name), "precious");
      make(dirname(staged), precious);
      await accepting.close();
      assert.deepEqual(readdirSync(precious).sort(), ["a.sock", "d", "s"]);
      assert.ok(existsSync(dirname(staged)));
      assert.equal(boundPaths().includes(staged), false, "the socket is closed");
      assert.equal(existsSync(address.path), false);
    });
  }

  test("replaces a dead socket", async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    const accepting = await Accepting.listen(unixSockets, address, { isAlive: async () => false });
    const client = await unixSockets.connect(address, never);
    client.destroy();
    (await accepting.next()).destroy();
    await accepting.close();
    assert.deepEqual(readdirSync(dirname(address.path)), []);
  });

  test("leaves what it refuses to replace, and nothing else", async () => {
    const address = freshAddress();
    writeFileSync(address.path, "precious");
    await assert.rejects(Accepting.listen(unixSockets, address), { code: "ERR_ADDRESS_IN_USE" });
    assert.deepEqual(readdirSync(dirname(address.path)), ["a.sock"]);
  });

  test("cannot listen in a directory that is not there", async () => {
    const address: Address = { kind: "unix-socket", path: join(freshDirectory(), "nowhere", "a.sock") };
    await assert.rejects(Accepting.listen(unixSockets, address), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_LISTEN_FAILED");
      assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOENT");
      assert.ok(error.message.includes(address.path), error.message);
      return true;
    });
  });

  test("cannot listen so deep that it cannot be bound", async () => {
    const directory = join(freshDirectory(), "d".repeat(66));
    mkdirSync(directory);
    const address: Address = { kind: "unix-socket", path: join(directory, "a") };
    await assert.rejects(Accepting.listen(unixSockets, address), { code: "ERR_ADDRESS_TOO_LONG" });
    assert.deepEqual(readdirSync(directory), []);
  });

  test("stops listening even if its directory has become something else", async () => {
    const address = freshAddress();
    const directory = dirname(address.path);
    const accepting = await Accepting.listen(unixSockets, address);
    const moved = `${directory}.moved`;
    renameSync(directory, moved);
    writeFileSync(directory, "");
    await assert.rejects(accepting.close(), { code: "ENOTDIR" });
    const stillThere: Address = { kind: "unix-socket", path: join(moved, "a.sock") };
    await assert.rejects(unixSockets.connect(stillThere, never), { code: "ERR_CONNECT_FAILED" });
    rmSync(moved, { recursive: true });
  });
});

describe("a client of a Unix socket", { skip }, () => {
  test("is dropped if another got the address between the checks", {
    skip: notRoot(),
  }, async () => {
    const address = freshAddress();
    const accepting = await Accepting.listen(unixSockets, address);
    const connecting = unixSockets.connect(address, never);
    // It has looked, and the system is at it; what has come of it is told in a later turn.
    lchownSync(address.path, otherUid, otherUid);
    await assert.rejects(connecting, { code: "ERR_ADDRESS_UNTRUSTED" });
    const handler = RecordingHandler.start(await accepting.next());
    await handler.until("ended");
    assert.equal(handler.receivedBytes, 0);
    lchownSync(address.path, 0, 0);
  });

  test("says what the system says if it cannot look", async () => {
    const { path } = freshAddress();
    writeFileSync(path, "");
    const below: Address = { kind: "unix-socket", path: join(path, "a.sock") };
    await assert.rejects(unixSockets.connect(below, never), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_CONNECT_FAILED");
      assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOTDIR");
      return true;
    });
  });
});

describe("a socket's file that has gone", { skip, timeout: 60_000 }, () => {
  const addressCheckIntervalMs = 2;

  /** That clients reach the listener, whatever file it is by now. */
  async function checkReached(accepting: Accepting, address: Address): Promise<void> {
    const client = await unixSockets.connect(address, never);
    (await accepting.next()).destroy();
    client.destroy();
  }

  /** Waits until the listeners of this file have looked at their addresses so many times more. */
  function looksOf(t: TestContext): (count: number) => Promise<void> {
    const { mock } = t.mock.method(globalThis, "setTimeout");
    const looks = () => mock.calls.filter(({ arguments: [, ms] }) => ms === addressCheckIntervalMs).length;
    return (count) => {
      const wanted = looks() + count;
      return until(() => looks() >= wanted);
    };
  }

  test("is put back with its mode, as often as it goes, and removed by the close", async (t) => {
    const looks = looksOf(t);
    const address = freshAddress();
    const accepting = await Accepting.listen(unixSockets, address, { addressCheckIntervalMs });
    for (let round = 0; round < 3; round++) {
      unlinkSync(address.path);
      await until(() => existsSync(address.path));
      assert.equal(lstatSync(address.path).mode & 0o7777, 0o600);
      await checkReached(accepting, address);
      await looks(2);
    }
    await accepting.close();
    assert.deepEqual(readdirSync(dirname(address.path)), []);
    assert.deepEqual(accepting.failures, []);
  });

  test("leaves those who came by it connected", async () => {
    const address = freshAddress();
    const accepting = await Accepting.listen(unixSockets, address, { addressCheckIntervalMs });
    const client = await unixSockets.connect(address, never);
    const handler = RecordingHandler.start(await accepting.next());
    unlinkSync(address.path);
    await until(() => existsSync(address.path));
    await checkReached(accepting, address);
    client.write([Uint8Array.of(1, 2, 3)]);
    assert.deepEqual(await handler.receive(3), Uint8Array.of(1, 2, 3));
    client.destroy();
  });

  test("is not put back over another's, which is told once, and again the next time", async (t) => {
    const looks = looksOf(t);
    const address = freshAddress();
    const accepting = await Accepting.listen(unixSockets, address, { addressCheckIntervalMs });
    for (const times of [1, 2]) {
      const another = `${address.path}.other`;
      writeFileSync(another, "another's");
      renameSync(another, address.path);
      await looks(3);
      assert.equal(accepting.failures.length, times);
      const { code, message } = accepting.failures.at(-1) as SystemError;
      assert.equal(code, "ERR_ADDRESS_LOST");
      assert.match(message, /something else is there now/);
      assert.equal(readFileSync(address.path, "utf8"), "another's");
      // Once it has made way, the address is ours again.
      unlinkSync(address.path);
      await until(() => existsSync(address.path));
      await checkReached(accepting, address);
    }
    await accepting.close();
    assert.equal(accepting.failures.length, 2);
  });

  test("is not put back over another's that comes meanwhile, be it dead and our own", async () => {
    const address = freshAddress();
    const directory = dirname(address.path);
    const options = { addressCheckIntervalMs, isAlive: async () => false };
    const accepting = await Accepting.listen(unixSockets, address, options);
    const another = join(directory, "another");
    await leaveDeadSocket(another);
    const { ino } = lstatSync(another);
    unlinkSync(address.path);
    // It has found nothing at its address, and is about to show a new socket there. Bun may have shown it by the next turn.
    await until(() => readdirSync(directory).some((entry) => entry !== "another"));
    renameSync(another, address.path);
    await until(() => accepting.failures.length === 1);
    assert.equal((accepting.failures[0] as SystemError).code, "ERR_ADDRESS_LOST");
    await accepting.close();
    assert.equal(lstatSync(address.path).ino, ino);
  });

  test("is reported if its directory has gone with it, and put back once that is back", async () => {
    const address = freshAddress();
    const directory = dirname(address.path);
    const accepting = await Accepting.listen(unixSockets, address, { addressCheckIntervalMs });
    rmSync(directory, { recursive: true });
    await until(() => accepting.failures.length === 1);
    assert.equal((accepting.failures[0] as SystemError).code, "ERR_ADDRESS_LOST");
    assert.match((accepting.failures[0] as SystemError).message, /ENOENT/);
    mkdirSync(directory, { mode: 0o700 });
    await until(() => existsSync(address.path));
    await checkReached(accepting, address);
    await accepting.close();
    assert.deepEqual(readdirSync(directory), []);
    assert.equal(accepting.failures.length, 1);
  });

  test("is not put back by a listener that is closed meanwhile", async () => {
    const address = freshAddress();
    const accepting = await Accepting.listen(unixSockets, address, { addressCheckIntervalMs });
    unlinkSync(address.path);
    await accepting.close();
    assert.deepEqual(readdirSync(dirname(address.path)), []);
  });

  test("is not looked for if that is not wanted", async (t) => {
    const timers = t.mock.method(globalThis, "setTimeout");
    for (const options of [{}, { addressCheckIntervalMs: 0 }]) {
      await (await Accepting.listen(unixSockets, freshAddress(), options)).close();
    }
    assert.equal(timers.mock.callCount(), 0);
    await (await Accepting.listen(unixSockets, freshAddress(), { addressCheckIntervalMs: 5_000 })).close();
    assert.equal(timers.mock.calls[0]?.arguments[1], 5_000);
  });
});

/** The paths of all Unix sockets, as every user can read them. */
function boundPaths(): string[] {
  const table = readFileSync("/proc/net/unix", "utf8").split("\n");
  return table.map((line) => line.slice(line.indexOf("/"))).filter((path) => path.startsWith("/"));
}
