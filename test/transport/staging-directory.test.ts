import assert from "node:assert/strict";
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { Address } from "#dist/transport/address.js";
import {
  findStagings,
  makeStagingDirectory,
  removeAbandonedStagings,
  removeStaging,
} from "#dist/transport/staging-directory.js";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";

const skip = process.platform === "win32" && "Unix sockets are not used on Windows";

function freshAddress(): Address {
  return { kind: "unix-socket", path: join(freshDirectory(), "a.sock") };
}

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

describe("a staging directory", { skip }, () => {
  test("is a fresh one beside the address that only this user can enter", async () => {
    const address = freshAddress();
    const one = await makeStagingDirectory(address);
    const other = await makeStagingDirectory(address);
    for (const { socketPath } of [one, other]) {
      assert.equal(dirname(dirname(socketPath)), dirname(address.path));
      assert.equal(modeOf(dirname(socketPath)), 0o700);
      assert.equal(
        basename(socketPath),
        `a${basename(dirname(socketPath))}`,
        "the name, and what no other has",
      );
    }
    assert.notEqual(one.socketPath, other.socketPath);
  });

  test("shows as much of the server's name as fits into a socket's path", async () => {
    const most = process.platform === "linux" ? 107 : 103;
    const name = "n".repeat(most);
    const { socketPath } = await makeStagingDirectory({
      kind: "unix-socket",
      path: join(freshDirectory(), `${name}.sock`),
    });
    assert.equal(socketPath.length, most);
    assert.match(basename(socketPath), /^n+\.sp-[A-Za-z0-9]{6}$/);
  });

  test("is entered by this user whatever the umask", async () => {
    const address = freshAddress();
    const before = process.umask(0o777);
    try {
      const staging = await makeStagingDirectory(address);
      assert.equal(modeOf(dirname(staging.socketPath)), 0o700);
    } finally {
      process.umask(before);
    }
  });

  test("is removed with its sockets, and twice does no harm", async () => {
    const address = freshAddress();
    const staging = await makeStagingDirectory(address);
    for (const path of [staging.socketPath, staging.holdPath]) await leaveDeadSocket(path);
    removeStaging(staging);
    removeStaging(staging);
    assert.deepEqual(readdirSync(dirname(address.path)), []);
  });

  test("cannot be deeper than a socket's path may be, and says what the directory may have", async () => {
    const most = process.platform === "linux" ? 107 : 103;
    const staged = "/.sp-XXXXXX/.sp-XXXXXX".length;
    const fits = join(freshDirectory(), "d".repeat(20));
    const deep = `${fits}/${"d".repeat(most - staged - fits.length - 1)}`;
    const tooDeep = `${deep}d`;
    for (const path of [deep, tooDeep]) mkdirSync(path, { recursive: true });

    const staging = await makeStagingDirectory({ kind: "unix-socket", path: join(deep, "a") });
    assert.equal(staging.socketPath.length, most);
    await assert.rejects(makeStagingDirectory({ kind: "unix-socket", path: join(tooDeep, "a") }), {
      code: "ERR_ADDRESS_TOO_LONG",
      message: new RegExp(
        `has ${most - staged + 1} bytes; ${most - staged} is the max .* bound ${staged} bytes deeper`,
      ),
    });
    assert.deepEqual(readdirSync(tooDeep), []);
  });
});

describe("a staging directory that a killed server has left", { skip }, () => {
  const longAgo = new Date(Date.now() - 120_000);

  async function leaveStaging(name: string, files: readonly string[] = [name, "d"]): Promise<string> {
    const path = join(freshDirectory(), name);
    mkdirSync(path);
    for (const file of files) await leaveDeadSocket(join(path, file));
    utimesSync(path, longAgo, longAgo);
    return path;
  }

  function isRemoved(path: string): boolean {
    removeAbandonedStagings(dirname(path));
    return !existsSync(path);
  }

  test("is removed after a while, with its sockets", async () => {
    for (const files of [["name.sp-a1B2c3", "d"], [".sp-a1B2c3"], ["d"], []]) {
      assert.ok(isRemoved(await leaveStaging(".sp-a1B2c3", files)), String(files));
    }
  });

  test("is not removed before that, as its server may be about to start", async () => {
    const path = await leaveStaging(".sp-a1B2c3");
    utimesSync(path, new Date(), new Date());
    assert.equal(isRemoved(path), false);
    assert.deepEqual(readdirSync(path).sort(), [".sp-a1B2c3", "d"]);
  });

  test("is not one of another name, nor a file", async () => {
    for (const name of [
      ".sp-a1B2c",
      ".sp-a1B2c34",
      ".sp-photos.old",
      "sp-a1B2c3",
      ".sp-a1B2c_",
      "photos.sp-a1B2c3",
    ]) {
      assert.equal(isRemoved(await leaveStaging(name)), false, name);
    }
    const file = join(freshDirectory(), ".sp-a1B2c3");
    writeFileSync(file, "");
    utimesSync(file, longAgo, longAgo);
    assert.equal(isRemoved(file), false);
  });

  test("keeps whatever a server would not have put there", async () => {
    const path = await leaveStaging(".sp-photos", [".sp-photos", "album"]);
    writeFileSync(join(path, "d"), "a file of the user's");
    utimesSync(path, longAgo, longAgo);
    assert.equal(isRemoved(path), false);
    assert.deepEqual(readdirSync(path).sort(), ["album", "d"]);
  });

  test("is not another user's", { skip: notRoot() }, async () => {
    const path = await leaveStaging(".sp-a1B2c3");
    chownSync(path, otherUid, otherUid);
    assert.equal(isRemoved(path), false);
  });

  test("is not looked for if that is not possible", () => {
    removeAbandonedStagings(join(freshDirectory(), "gone"));
  });

  test("is found twice without harm", async () => {
    const path = await leaveStaging(".sp-a1B2c3");
    const [found] = findStagings(dirname(path));
    assert.ok(found !== undefined);
    removeStaging(found);
    removeStaging(found);
    assert.equal(existsSync(path), false);
  });
});
