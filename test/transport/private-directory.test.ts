import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs, {
  chmodSync,
  existsSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type SealpipeError, SystemError } from "sealpipe";
import { type Address, resolveAddress } from "#dist/transport/address.js";
import { holdDirectory, holdIfThere } from "#dist/transport/private-directory.js";
import { checkDirectoryOwn, ownUid } from "#dist/transport/trust.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { Accepting, never } from "../support/accepting.ts";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import { directoryWith } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";
import { type PrivateDirectoryVector, privateDirectories } from "../support/vectors.ts";

const skip = process.platform === "win32" && "pipes have no directory";
const throughDescriptor = process.platform !== "linux" && "only Linux reaches files by a descriptor";

function addressIn(directory: string): Address {
  return resolveAddress("my-app", { directory, privateTo: ownUid(), platform: process.platform });
}

async function put(
  { kind, owner, mode }: Required<PrivateDirectoryVector>["found"],
  path: string,
): Promise<void> {
  const beside = join(dirname(dirname(path)), "beside");
  if (kind === "directory") mkdirSync(path);
  if (kind === "file") writeFileSync(path, "");
  if (kind === "fifo") execFileSync("mkfifo", [path]);
  if (kind === "socket") await leaveDeadSocket(path);
  if (kind === "link") mkdirSync(beside, { mode: 0o700 });
  if (kind === "link" || kind === "dangling-link") symlinkSync(beside, path);
  else chmodSync(path, Number.parseInt(mode, 8));
  if (owner === "other") lchownSync(path, otherUid, otherUid);
}

describe("the address in a private directory", { skip }, () => {
  test("is named by the user's number, in any directory", () => {
    const at = (directory: string): Address =>
      resolveAddress("my-app", { directory, privateTo: 1000, platform: "linux" });
    for (const directory of ["/tmp", "/tmp/", "/tmp//"]) {
      assert.deepEqual(at(directory), {
        kind: "unix-socket",
        path: "/tmp/sealpipe-1000/my-app.sock",
        isPrivate: true,
      });
    }
    assert.equal(at("/").path, "/sealpipe-1000/my-app.sock");
  });

  test("is no other on Windows, where pipes have no directory", () => {
    const options = { directory: "/tmp", privateTo: 0, platform: "win32" } as const;
    assert.deepEqual(resolveAddress("my-app", options), { kind: "named-pipe", path: "\\\\.\\pipe\\my-app" });
  });
});

describe("a private directory", { skip: skip || notRoot() }, () => {
  for (const vector of privateDirectories) {
    test(`is ${vector.outcome}: ${vector.name}`, async () => {
      const address = addressIn(directoryWith(Number.parseInt(vector.in, 8)));
      const path = dirname(address.path);
      if (vector.found !== undefined) await put(vector.found, path);
      if (vector.outcome === "refused") {
        const before = lstatSync(path);
        assert.throws(
          () => holdDirectory(address),
          (error) => {
            assert.ok(error instanceof SystemError);
            assert.equal(error.code, "ERR_ADDRESS_UNTRUSTED");
            assert.ok(error.message.includes(`the private directory ${path} ${vector.says};`), error.message);
            return true;
          },
        );
        const { mode, uid, ino } = lstatSync(path);
        assert.deepEqual({ mode, uid, ino }, { mode: before.mode, uid: before.uid, ino: before.ino });
        return;
      }
      if (vector.outcome === "made") assert.equal(holdIfThere(address), undefined);
      const hold = holdDirectory(address);
      assert.equal((lstatSync(path).mode & 0o777).toString(8).padStart(4, "0"), vector.mode);
      assert.equal(lstatSync(path).uid, ownUid());
      assert.equal(lstatSync(`${dirname(hold.address.path)}/.`).ino, lstatSync(path).ino);
      hold.release();
    });
  }

  test("is reached by its descriptor, wherever others have moved it, until it is released", {
    skip: throughDescriptor,
  }, () => {
    const address = addressIn(directoryWith(0o777));
    const hold = holdDirectory(address);
    const descriptor = Number(/^\/proc\/self\/fd\/(\d+)\/my-app.sock$/.exec(hold.address.path)?.[1]);
    assert.equal(readlinkSync(`/proc/self/fd/${descriptor}`), dirname(address.path));
    execFileSync("mv", [dirname(address.path), `${dirname(address.path)}-moved`]);
    writeFileSync(hold.address.path, "");
    assert.deepEqual(readdirSync(`${dirname(address.path)}-moved`), ["my-app.sock"]);
    checkDirectoryOwn(hold.address);
    hold.release();
    assert.throws(() => fstatSync(descriptor), { code: "EBADF" });
  });

  test("is one more step of a path that has to be safe, on a system that reaches no file by a descriptor", () => {
    const refused = { code: "ERR_ADDRESS_UNTRUSTED", message: /tmp is a directory that others can write to/ };
    const address = addressIn(directoryWith(0o777));
    const hold = holdDirectory(address, "/nowhere");
    assert.equal(hold.address.path, address.path);
    assert.throws(() => checkDirectoryOwn(hold.address), refused);
    const safe = holdDirectory(addressIn(directoryWith(0o1777)), "/nowhere");
    checkDirectoryOwn(safe.address);
    for (const each of [hold, safe]) each.release();
  });

  test("is not made in a directory that is not there, which the error names", async () => {
    const directory = directoryWith(0o777);
    rmSync(directory, { recursive: true });
    await assert.rejects(unixSockets.connect(addressIn(directory), never), {
      code: "ERR_CONNECT_FAILED",
      message: new RegExp(`the directory ${directory} does not exist$`),
    });
    await assert.rejects(Accepting.listen(unixSockets, addressIn(directory)), {
      code: "ERR_LISTEN_FAILED",
      message: /ENOENT/,
    });
    assert.equal(existsSync(directory), false);
  });
});

/** What each descriptor that is opened until the end of the test is opened as, and how often it is closed. */
function watchDescriptors(t: TestContext): { opened: string[]; closed: number[] } {
  const watched: { opened: string[]; closed: number[] } = { opened: [], closed: [] };
  const numbers = new Map<number, number>();
  const { openSync, closeSync } = fs;
  t.mock.method(fs, "openSync", (...args: Parameters<typeof openSync>) => {
    const descriptor = openSync(...args);
    numbers.set(descriptor, watched.opened.push(String(args[0])) - 1);
    watched.closed.push(0);
    return descriptor;
  });
  t.mock.method(fs, "closeSync", (descriptor: number) => {
    const number = numbers.get(descriptor);
    if (number !== undefined) watched.closed[number] = (watched.closed[number] as number) + 1;
    closeSync(descriptor);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return watched;
}

describe("the descriptor of a private directory is closed once", { skip: skip || throughDescriptor }, () => {
  function madeAddress(mode: number): Address {
    const address = addressIn(directoryWith(0o777));
    mkdirSync(dirname(address.path));
    chmodSync(dirname(address.path), mode);
    return address;
  }

  test("when the hold is released, and not before", (t) => {
    const address = madeAddress(0o700);
    const watched = watchDescriptors(t);
    const hold = holdIfThere(address);
    assert.deepEqual(watched, { opened: [dirname(address.path)], closed: [0] });
    hold?.release();
    assert.deepEqual(watched.closed, [1]);
  });

  test("when the directory is refused", (t) => {
    const address = madeAddress(0o755);
    const watched = watchDescriptors(t);
    assert.throws(() => holdIfThere(address), { code: "ERR_ADDRESS_UNTRUSTED" });
    assert.deepEqual(watched, { opened: [dirname(address.path)], closed: [1] });
  });

  test("when the system does not lead through it", (t) => {
    const address = madeAddress(0o700);
    const watched = watchDescriptors(t);
    const hold = holdIfThere(address, "/nowhere");
    assert.deepEqual(watched, { opened: [dirname(address.path)], closed: [1] });
    hold?.release();
    assert.deepEqual(watched.closed, [1]);
  });

  test("when the directory cannot be examined", (t) => {
    const address = madeAddress(0o500);
    const watched = watchDescriptors(t);
    t.mock.method(fs, "fchmodSync", () => {
      throw new Error("a file system that is read only");
    });
    syncBuiltinESMExports();
    assert.throws(() => holdIfThere(address), /read only/);
    assert.deepEqual(watched, { opened: [dirname(address.path)], closed: [1] });
  });

  test("and never opened, if there is no directory", (t) => {
    const watched = watchDescriptors(t);
    assert.equal(holdIfThere(addressIn(directoryWith(0o777))), undefined);
    assert.deepEqual(watched, { opened: [], closed: [] });
  });
});

async function startRenamer(t: TestContext, address: Address): Promise<LinesProcess> {
  const path = dirname(address.path);
  const renamer = startChild(
    "renamer",
    String(otherUid),
    dirname(path),
    `sealpipe-${ownUid()}`,
    "my-app.sock",
  );
  t.after(() => renamer.kill());
  await renamer.until(isEvent("ready"));
  return renamer;
}

async function endRenamer(renamer: LinesProcess): Promise<{ [name: string]: unknown }> {
  renamer.command({});
  const { event: _, ...ended } = await renamer.until(isEvent("ended"));
  await exitOf(renamer);
  return ended;
}

/** How often each outcome comes, of acts that are tried until all of them have come, and `rounds` times at least. */
async function outcomesOf(
  act: () => Promise<void>,
  { rounds, wanted }: { rounds: number; wanted: readonly string[] },
): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for (
    let round = 0;
    round < rounds || (wanted.some((each) => !seen.has(each)) && round < 100 * rounds);
    round++
  ) {
    const outcome = await act().then(
      () => "done",
      (error: SealpipeError) => error.code,
    );
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  return seen;
}

describe("another user who renames the private directory and its own again and again", {
  skip: skip || notRoot() || throughDescriptor,
  timeout: 120_000,
}, () => {
  test("gets no connection of a client", async (t) => {
    const address = addressIn(directoryWith(0o777));
    const accepting = await Accepting.listen(unixSockets, address);
    const renamer = await startRenamer(t, address);
    const wanted = ["done", "ERR_ADDRESS_UNTRUSTED"];
    const outcomes = await outcomesOf(async () => (await unixSockets.connect(address, never)).destroy(), {
      rounds: 2_000,
      wanted,
    });
    const { renamed, connected } = await endRenamer(renamer);
    t.diagnostic(
      `${renamed} renames; ${[...outcomes].map(([code, count]) => `${count} ${code}`).join(", ")}`,
    );
    assert.ok(Number(renamed) > 0);
    assert.equal(connected, 0);
    for (const each of wanted) assert.ok(outcomes.has(each), each);
    await accepting.close().catch(() => {});
  });

  test("gets nothing of a server's into its own, as the server starts and closes", async (t) => {
    const address = addressIn(directoryWith(0o777));
    const renamer = await startRenamer(t, address);
    const wanted = ["done", "ERR_ADDRESS_UNTRUSTED"];
    const outcomes = await outcomesOf(
      async () => {
        const accepting = await Accepting.listen(unixSockets, address, { isAlive: async () => false });
        await accepting.close();
      },
      { rounds: 300, wanted },
    );
    const { renamed, connected, found } = await endRenamer(renamer);
    t.diagnostic(
      `${renamed} renames; ${[...outcomes].map(([code, count]) => `${count} ${code}`).join(", ")}`,
    );
    assert.ok(Number(renamed) > 0);
    assert.deepEqual({ connected, found }, { connected: 0, found: ["my-app.sock"] });
    for (const each of wanted) assert.ok(outcomes.has(each), each);
  });
});
