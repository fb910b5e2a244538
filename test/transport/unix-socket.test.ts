import assert from "node:assert/strict";
import {
  existsSync,
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
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { SystemError } from "sealpipe";
import type { Address } from "#dist/transport/address.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { Accepting, never } from "../support/accepting.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";

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
  test("removes nothing of another's that has the place where it was bound", { skip: noTable }, async () => {
    const address = freshAddress();
    const directory = dirname(address.path);
    const accepting = await Accepting.listen(unixSockets, address);
    const staged = boundPaths().find((path) => path.startsWith(`${directory}/.sp-`));
    assert.ok(staged !== undefined, "the kernel tells where the socket was bound");
    const precious = freshDirectory();
    writeFileSync(join(precious, "s"), "precious");
    symlinkSync(precious, dirname(staged));
    await accepting.close();
    assert.equal(readFileSync(join(precious, "s"), "utf8"), "precious");
    assert.equal(existsSync(address.path), false);
    unlinkSync(dirname(staged));
  });

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
    const directory = join(freshDirectory(), "d".repeat(75));
    mkdirSync(directory);
    const address: Address = { kind: "unix-socket", path: join(directory, "a") };
    await assert.rejects(Accepting.listen(unixSockets, address), { code: "ERR_ADDRESS_TOO_LONG" });
    assert.deepEqual(readdirSync(directory), []);
  });

  test("stops listening also where its directory has become something else", async () => {
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

/** The paths of all Unix sockets, as every user can read them. */
function boundPaths(): string[] {
  const table = readFileSync("/proc/net/unix", "utf8").split("\n");
  return table.map((line) => line.slice(line.indexOf("/"))).filter((path) => path.startsWith("/"));
}
