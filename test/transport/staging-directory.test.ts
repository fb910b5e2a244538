import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { Address } from "#dist/transport/address.js";
import { makeStagingDirectory } from "#dist/transport/staging-directory.js";
import { freshDirectory } from "../support/names.ts";

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
    }
    assert.notEqual(one.socketPath, other.socketPath);
  });

  test("is entered by this user whatever the umask", async () => {
    const before = process.umask(0o777);
    try {
      const staging = await makeStagingDirectory(freshAddress());
      assert.equal(modeOf(dirname(staging.socketPath)), 0o700);
    } finally {
      process.umask(before);
    }
  });

  test("is removed with what is in it, and twice does no harm", async () => {
    const address = freshAddress();
    const staging = await makeStagingDirectory(address);
    writeFileSync(staging.socketPath, "");
    await staging.remove();
    await staging.remove();
    assert.deepEqual(readdirSync(dirname(address.path)), []);
  });

  test("cannot be deeper than a socket's path may be, and says what the directory may have", async () => {
    const most = process.platform === "linux" ? 107 : 103;
    const staged = "/.sp-XXXXXX/s".length;
    const fits = join(freshDirectory(), "d".repeat(40));
    const deep = `${fits}/${"d".repeat(most - staged - fits.length - 1)}`;
    const tooDeep = `${deep}d`;
    for (const path of [deep, tooDeep]) mkdirSync(path, { recursive: true });

    const staging = await makeStagingDirectory({ kind: "unix-socket", path: join(deep, "a") });
    assert.equal(staging.socketPath.length, most);
    await assert.rejects(makeStagingDirectory({ kind: "unix-socket", path: join(tooDeep, "a") }), {
      code: "ERR_ADDRESS_TOO_LONG",
      message: new RegExp(
        `has ${most - staged + 1} bytes; ${most - staged} is the most .* bound ${staged} bytes deeper`,
      ),
    });
    assert.deepEqual(readdirSync(tooDeep), []);
  });
});
