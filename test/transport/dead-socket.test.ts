import assert from "node:assert/strict";
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { Address } from "#dist/transport/address.js";
import { type DeadSocket, removeDeadSocket } from "#dist/transport/dead-socket.js";
import { type FileIdentity, identifyNow } from "#dist/transport/file-identity.js";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { freshDirectory } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";
import { isSettled } from "../support/waiting.ts";

const skip = process.platform === "win32" && "Unix sockets are not used on Windows";

/** A dead socket, and the staging directory of a server that wants its address. */
async function freshDead(): Promise<DeadSocket> {
  const address: Address = { kind: "unix-socket", path: join(freshDirectory(), "a.sock") };
  await leaveDeadSocket(address.path);
  return { address, identity: identifyNow(address.path) as FileIdentity, holdPath: freshHoldPath(address) };
}

function freshHoldPath(address: Address): string {
  return join(mkdtempSync(join(dirname(address.path), ".sp-")), "d");
}

/** The link by which another server holds it. */
function holdByAnother({ address }: DeadSocket): string {
  const hold = freshHoldPath(address);
  linkSync(address.path, hold);
  return hold;
}

const longAgo = new Date(Date.now() - 60_000);
const future = new Date(Date.now() + 3_600_000);

describe("a dead socket", { skip }, () => {
  test("is removed, and not held any more", async () => {
    const dead = await freshDead();
    await removeDeadSocket(dead);
    assert.equal(existsSync(dead.address.path), false);
    assert.equal(existsSync(dead.holdPath), false);
  });

  test("that has gone needs no removing", async () => {
    const dead = await freshDead();
    unlinkSync(dead.address.path);
    await removeDeadSocket(dead);
    assert.deepEqual(readdirSync(dirname(dead.holdPath)), []);
  });

  test("that has made way for another leaves it there", async () => {
    const dead = await freshDead();
    renameSync(dead.address.path, `${dead.address.path}.old`);
    await leaveDeadSocket(dead.address.path);
    const next = identifyNow(dead.address.path);
    await removeDeadSocket(dead);
    assert.deepEqual(identifyNow(dead.address.path), next);
    assert.deepEqual(readdirSync(dirname(dead.holdPath)), []);
  });

  test("that makes way for another when it is held already leaves that there, too", async (t) => {
    const dead = await freshDead();
    const { path } = dead.address;
    const staging = dirname(holdByAnother(dead));
    utimesSync(staging, longAgo, longAgo);
    await leaveDeadSocket(`${path}.next`);
    const next = identifyNow(`${path}.next`);
    const now = Date.now();
    // The time is asked for last when an abandoned hold was found, between the two looks at the address.
    t.mock.method(Date, "now", () => {
      if (existsSync(dead.holdPath)) renameSync(`${path}.next`, path);
      return now;
    });
    await removeDeadSocket(dead);
    assert.deepEqual(identifyNow(path), next);
    assert.equal(existsSync(staging), false, "the other was not held");
  });

  test("is left alone while another server holds it, and only then removed", async () => {
    const dead = await freshDead();
    const hold = holdByAnother(dead);
    const removed = removeDeadSocket(dead);
    assert.equal(await isSettled(removed), false);
    assert.ok(existsSync(dead.address.path));
    unlinkSync(hold);
    await removed;
    assert.equal(existsSync(dead.address.path), false);
  });

  test("is held by none if the other has removed it from its address already", async () => {
    const dead = await freshDead();
    const hold = holdByAnother(dead);
    const removed = removeDeadSocket(dead);
    assert.equal(await isSettled(removed), false);
    unlinkSync(dead.address.path);
    await removed;
    assert.ok(existsSync(hold), "it is the other's to let go");
  });

  test("is not held by a process that was killed a while ago, of which nothing is left then", async () => {
    const dead = await freshDead();
    const staging = dirname(holdByAnother(dead));
    utimesSync(staging, longAgo, longAgo);
    await removeDeadSocket(dead);
    assert.equal(existsSync(dead.address.path), false);
    assert.equal(existsSync(staging), false);
  });

  test("is not held by links of any other name, as of a server killed while it started", async () => {
    const dead = await freshDead();
    const directory = dirname(dead.address.path);
    mkdirSync(join(directory, ".sp-k1ll3d"));
    linkSync(dead.address.path, join(directory, ".sp-k1ll3d", "s"));
    linkSync(dead.address.path, join(directory, "backup"));
    linkSync(dead.address.path, join(directory, ".sp-0file0"));
    await removeDeadSocket(dead);
    assert.equal(existsSync(dead.address.path), false);
  });

  test("is not held by another user, whatever that one makes", { skip: notRoot() }, async () => {
    const dead = await freshDead();
    const hold = holdByAnother(dead);
    // Never abandoned: if it counted at all, it would hold the socket for ever.
    utimesSync(dirname(hold), future, future);
    chownSync(dirname(hold), otherUid, otherUid);
    await removeDeadSocket(dead);
    assert.equal(existsSync(dead.address.path), false);
    assert.ok(existsSync(hold), "what is another's stays");
  });

  test("that others hold all the time is given up on", async (t) => {
    const dead = await freshDead();
    const hold = holdByAnother(dead);
    // A holder from the future never counts as abandoned, and the clock is moved past our patience.
    utimesSync(dirname(hold), future, future);
    const now = Date.now();
    let asked = 0;
    t.mock.method(Date, "now", () => {
      asked += 1;
      return now + asked * 1_000;
    });
    await assert.rejects(removeDeadSocket(dead), { code: "ERR_ADDRESS_IN_USE" });
    assert.ok(existsSync(dead.address.path));
    assert.ok(existsSync(hold));
  });

  test("cannot be held if the staging directory is gone", async () => {
    const dead = await freshDead();
    rmSync(dirname(dead.holdPath), { recursive: true });
    mkdirSync(dead.holdPath, { recursive: true });
    await assert.rejects(removeDeadSocket(dead), { code: "EEXIST" });
  });
});
