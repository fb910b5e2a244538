import assert from "node:assert/strict";
import { existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Address } from "#dist/transport/address.js";
import { withAddressLock } from "#dist/transport/address-lock.js";
import { freshDirectory } from "../support/names.ts";

const skip = process.platform === "win32" && "Unix sockets are not used on Windows";

function freshAddress(): Address {
  return { kind: "unix-socket", path: join(freshDirectory(), "a.sock") };
}

describe("the lock of an address", { skip }, () => {
  test("is held by one at a time, and gone afterwards", async () => {
    const address = freshAddress();
    let holding = 0;
    const hold = async (): Promise<void> => {
      holding += 1;
      assert.equal(holding, 1);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(holding, 1);
      holding -= 1;
    };
    await Promise.all(Array.from({ length: 10 }, () => withAddressLock(address, hold)));
    assert.equal(existsSync(`${address.path}.lock`), false);
  });

  test("is given back where the holder fails", async () => {
    const address = freshAddress();
    const failing = withAddressLock(address, async () => {
      throw new Error("failed");
    });
    await assert.rejects(failing, /failed/);
    assert.equal(await withAddressLock(address, async () => "mine"), "mine");
  });

  test("that a killed process left behind is taken after a while", async () => {
    const address = freshAddress();
    const lock = `${address.path}.lock`;
    mkdirSync(lock);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, longAgo, longAgo);
    assert.equal(await withAddressLock(address, async () => "mine"), "mine");
    assert.equal(existsSync(lock), false);
  });

  test("that others hold all the time is given up on", async (t) => {
    const address = freshAddress();
    const lock = `${address.path}.lock`;
    // A holder from the future never counts as abandoned, and the clock is moved past our patience.
    mkdirSync(lock);
    const future = new Date(Date.now() + 3_600_000);
    utimesSync(lock, future, future);
    const now = Date.now();
    let asked = 0;
    t.mock.method(Date, "now", () => {
      asked += 1;
      return now + asked * 1_000;
    });
    await assert.rejects(
      withAddressLock(address, async () => {}),
      { code: "ERR_ADDRESS_IN_USE" },
    );
    assert.ok(existsSync(lock));
  });

  test("is not to be had where the directory is gone", async () => {
    const address: Address = { kind: "unix-socket", path: join(freshDirectory(), "gone", "a.sock") };
    await assert.rejects(
      withAddressLock(address, async () => {}),
      { code: "ENOENT" },
    );
  });
});
