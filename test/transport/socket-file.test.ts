import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import type { Address } from "#dist/transport/address.js";
import { type FileIdentity, identifyNow } from "#dist/transport/file-identity.js";
import { claimAddress, removeFromAddress } from "#dist/transport/socket-file.js";
import {
  makeStagingDirectory,
  removeStaging,
  type StagingDirectory,
} from "#dist/transport/staging-directory.js";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";

const skip = process.platform === "win32" && "Unix sockets are not used on Windows";

function freshAddress(): Address {
  return { kind: "unix-socket", path: join(freshDirectory(), "a.sock") };
}

async function listenAt(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  after(() => server.close());
}

/** A staging directory in which a socket is bound and listens. */
async function stage(address: Address): Promise<StagingDirectory> {
  const staging = await makeStagingDirectory(address);
  await listenAt(staging.socketPath);
  after(() => removeStaging(staging));
  return staging;
}

const dead = async (): Promise<boolean> => false;
const alive = async (): Promise<boolean> => true;
const mode = 0o600;

describe("claiming an address", { skip }, () => {
  test("shows the bound socket there, with its mode", async () => {
    for (const mode of [0o600, 0o777, 0o660]) {
      const address = freshAddress();
      const staging = await stage(address);
      const identity = await claimAddress(address, { staging, mode, isAlive: alive });
      assert.ok(lstatSync(address.path).isSocket());
      assert.equal(lstatSync(address.path).mode & 0o7777, mode);
      assert.deepEqual(identifyNow(address.path), identity);
      assert.deepEqual(identifyNow(staging.socketPath), identity);
    }
  });

  test("replaces a socket that is dead", async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    const stale = identifyNow(address.path);
    const staging = await stage(address);
    const asked: Address[] = [];
    const isAlive = async (about: Address): Promise<boolean> => {
      asked.push(about);
      return false;
    };
    const identity = await claimAddress(address, { staging, mode, isAlive });
    assert.deepEqual(asked, [address]);
    assert.notDeepEqual(identity, stale);
    assert.deepEqual(identifyNow(address.path), identity);
  });

  test("leaves a socket alone if a server is alive", async () => {
    const address = freshAddress();
    await listenAt(address.path);
    const before = identifyNow(address.path);
    const staging = await stage(address);
    await assert.rejects(claimAddress(address, { staging, mode, isAlive: alive }), {
      code: "ERR_ADDRESS_IN_USE",
      message: /a server is alive there/,
    });
    assert.deepEqual(identifyNow(address.path), before);
  });

  test("leaves a socket of another user alone, dead or not, and does not ask it", {
    skip: notRoot(),
  }, async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    chownSync(address.path, otherUid, otherUid);
    const before = identifyNow(address.path);
    const staging = await stage(address);
    await assert.rejects(
      claimAddress(address, { staging, mode, isAlive: () => assert.fail("it was asked") }),
      { code: "ERR_ADDRESS_IN_USE", message: new RegExp(`the socket there belongs to the user ${otherUid}`) },
    );
    assert.deepEqual(identifyNow(address.path), before);
  });

  for (const [what, make] of [
    ["a file", (path: string) => writeFileSync(path, "precious")],
    ["a directory", (path: string) => mkdirSync(path)],
    ["a symbolic link to nothing", (path: string) => symlinkSync("nowhere", path)],
    ["a symbolic link to a dead socket", (path: string) => symlinkSync("dead", path)],
  ] as const) {
    test(`leaves ${what} alone`, async () => {
      const address = freshAddress();
      await leaveDeadSocket(join(dirname(address.path), "dead"));
      make(address.path);
      const before = identifyNow(address.path);
      const staging = await stage(address);
      await assert.rejects(claimAddress(address, { staging, mode, isAlive: dead }), {
        code: "ERR_ADDRESS_IN_USE",
        message: /is not a socket/,
      });
      assert.deepEqual(identifyNow(address.path), before);
    });
  }

  test("tries again if the dead socket has gone meanwhile", async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    const staging = await stage(address);
    const isAlive = async (): Promise<boolean> => {
      rmSync(address.path);
      return false;
    };
    const identity = await claimAddress(address, { staging, mode, isAlive });
    assert.deepEqual(identifyNow(address.path), identity);
  });

  test("gives up if another has got the address each time", async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    const staging = await stage(address);
    let taken: FileIdentity | undefined;
    const isAlive = async (): Promise<boolean> => {
      // Another file first and then the move: the one that was there must not give its inode to the one that comes.
      const next = join(dirname(address.path), "next");
      await leaveDeadSocket(next);
      taken = identifyNow(next);
      renameSync(next, address.path);
      return false;
    };
    await assert.rejects(claimAddress(address, { staging, mode, isAlive }), {
      code: "ERR_ADDRESS_IN_USE",
      message: /other servers keep taking it/,
    });
    assert.deepEqual(identifyNow(address.path), taken);
  });

  test("fails with the system's own error if the directory is gone", async () => {
    const address = freshAddress();
    const staging = await stage(address);
    await assert.rejects(
      claimAddress(
        { kind: "unix-socket", path: join(dirname(address.path), "gone", "a.sock") },
        { staging, mode, isAlive: dead },
      ),
      { code: "ENOENT" },
    );
  });
});

describe("removing our own socket", { skip }, () => {
  async function leaveOurs(): Promise<{ address: Address; path: string; ours: FileIdentity }> {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    return { address, path: address.path, ours: identifyNow(address.path) as FileIdentity };
  }

  test("removes it, and does nothing if it has gone", async () => {
    const { address, path, ours } = await leaveOurs();
    removeFromAddress(address, ours);
    assert.equal(existsSync(path), false);
    removeFromAddress(address, ours);
    rmSync(dirname(path), { recursive: true });
    removeFromAddress(address, ours);
  });

  test("leaves another file of that name alone", async () => {
    const { address, path, ours } = await leaveOurs();
    const kept = join(dirname(path), "kept");
    renameSync(path, kept);
    writeFileSync(path, "another's");
    removeFromAddress(address, ours);
    assert.ok(existsSync(path));
    assert.ok(existsSync(kept));
  });

  test("leaves it if others can change the way there by now", async () => {
    const { address, path, ours } = await leaveOurs();
    chmodSync(dirname(path), 0o777);
    assert.throws(() => removeFromAddress({ ...address, trust: "any" }, ours), {
      code: "ERR_ADDRESS_UNTRUSTED",
    });
    assert.ok(existsSync(path));
  });

  test("says what the system says if it cannot look", async () => {
    const { address, path, ours } = await leaveOurs();
    assert.throws(() => removeFromAddress({ ...address, path: join(path, "below-a-socket") }, ours), {
      code: "ENOTDIR",
    });
  });
});
