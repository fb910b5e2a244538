import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { SystemError } from "sealpipe";
import type { Address } from "#dist/transport/address.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { Accepting, never } from "../support/accepting.ts";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import type { LinesProcess } from "../support/lines-process.ts";
import { freshDirectory } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";
import { until } from "../support/waiting.ts";

const skip = (process.platform === "win32" && "Windows has no owners in this sense") || notRoot();

/** A directory in a fresh one that everybody can enter. */
function directoryOf(uid: number, mode: number): string {
  const above = freshDirectory();
  chmodSync(above, 0o755);
  const path = join(above, "directory");
  mkdirSync(path);
  chmodSync(path, mode);
  chownSync(path, uid, uid);
  return path;
}

/** A directory of root's with what a server might remove or open to others by mistake. */
async function preciousDirectory(): Promise<string> {
  const path = directoryOf(0, 0o755);
  for (const name of ["s", "d", "precious"]) writeFileSync(join(path, name), name, { mode: 0o600 });
  mkdirSync(join(path, "below"));
  for (const name of ["a.sock", "below/s", "below/d"]) await leaveDeadSocket(join(path, name));
  return path;
}

/** Every name below it with its mode and owner. */
function contentsOf(path: string): string[] {
  const names = readdirSync(path, { recursive: true }).map(String).sort();
  return ["", ...names].map((name) => {
    const { mode, uid, ino } = lstatSync(join(path, name));
    return `${name} ${mode.toString(8)} ${uid} ${ino}`;
  });
}

async function startSwapper(t: TestContext, directory: string, target: string): Promise<LinesProcess> {
  const swapper = startChild("swapper", String(otherUid), directory, target);
  t.after(() => swapper.kill());
  await swapper.until(isEvent("ready"));
  return swapper;
}

async function endSwapper(swapper: LinesProcess): Promise<{ swapped: unknown; squatted: unknown }> {
  swapper.command({});
  const { swapped, squatted } = await swapper.until(isEvent("ended"));
  await exitOf(swapper);
  return { swapped, squatted };
}

function addressIn(directory: string): Address {
  return { kind: "unix-socket", path: join(directory, "a.sock") };
}

const refused = { code: "ERR_ADDRESS_UNTRUSTED", message: /others could replace what a server puts there/ };

describe("another user who owns the directory", { skip, timeout: 120_000 }, () => {
  test("gets no server of ours there, whomever it trusts, and nothing of ours is removed or opened", async (t) => {
    const precious = await preciousDirectory();
    const before = contentsOf(precious);
    const directory = directoryOf(otherUid, 0o755);
    const swapper = await startSwapper(t, directory, precious);
    for (const trust of [[], [otherUid], "any"] as const) {
      for (const openToAllUsers of [false, true]) {
        const address = { ...addressIn(directory), trust };
        for (let round = 0; round < 20; round++) {
          await assert.rejects(Accepting.listen(unixSockets, address, { openToAllUsers }), refused);
        }
      }
    }
    assert.deepEqual(await endSwapper(swapper), { swapped: 0, squatted: 0 });
    assert.deepEqual(readdirSync(directory), []);
    assert.deepEqual(contentsOf(precious), before);
  });

  test("gets none below it either, nor by a link", async () => {
    const directory = directoryOf(otherUid, 0o755);
    const below = join(directory, "below");
    mkdirSync(below);
    const link = join(freshDirectory(), "link");
    symlinkSync(below, link);
    for (const path of [below, link]) {
      await assert.rejects(Accepting.listen(unixSockets, { ...addressIn(path), trust: "any" }), refused);
    }
    assert.deepEqual(readdirSync(below), []);
  });

  test("has got it only later: nothing is put back there, and the close removes nothing", async () => {
    const directory = directoryOf(0, 0o755);
    const address = addressIn(directory);
    const accepting = await Accepting.listen(unixSockets, address, { addressCheckIntervalMs: 2 });
    chownSync(directory, otherUid, otherUid);
    renameSync(address.path, `${address.path}.moved`);
    await until(() => accepting.failures.length === 1);
    const failure = accepting.failures[0] as SystemError;
    assert.equal(failure.code, "ERR_ADDRESS_LOST");
    assert.match(failure.message, /belongs to the user 65534/);
    renameSync(`${address.path}.moved`, address.path);
    await assert.rejects(accepting.close(), refused);
    assert.deepEqual(readdirSync(directory), ["a.sock"]);
    await assert.rejects(
      unixSockets.connect({ ...address, trust: "any" }, never),
      { code: "ERR_CONNECT_FAILED", message: /ECONNREFUSED/ },
      "nobody listens there any more",
    );
  });
});

describe("another user who can add to the directory", { skip, timeout: 120_000 }, () => {
  test("has nothing of ours removed or opened by links, as we start, put back and close", async (t) => {
    const precious = await preciousDirectory();
    const before = contentsOf(precious);
    const directory = directoryOf(0, 0o1777);
    const address = addressIn(directory);
    const swapper = await startSwapper(t, directory, precious);
    let hasSquatted = false;
    void swapper.until(isEvent("squatted")).then(() => {
      hasSquatted = true;
    });
    for (const openToAllUsers of [false, true]) {
      // It needs its share of the processor to come in time.
      for (let round = 0; round < 20 || (!hasSquatted && round < 1_000); round++) {
        if (round % 2 === 0) await leaveDeadSocket(address.path);
        const options = { openToAllUsers, addressCheckIntervalMs: 2, isAlive: async () => false };
        const accepting = await Accepting.listen(unixSockets, address, options);
        assert.equal(lstatSync(address.path).mode & 0o7777, openToAllUsers ? 0o777 : 0o600);
        unlinkSync(address.path);
        await until(() => existsSync(address.path));
        await accepting.close();
        assert.deepEqual(accepting.failures, []);
        assert.equal(existsSync(address.path), false);
      }
    }
    const { swapped, squatted } = await endSwapper(swapper);
    assert.equal(swapped, 0, "the sticky bit keeps others from renaming what is ours");
    assert.ok(Number(squatted) > 0, "it has taken names after us");
    assert.deepEqual(contentsOf(precious), before);
    for (const link of readdirSync(directory)) rmSync(join(directory, link));
  });
});
