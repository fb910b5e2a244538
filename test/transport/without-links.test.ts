import "../support/no-links.ts";
import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { link } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { startServer } from "sealpipe";
import { readSecretFile } from "#dist/endpoint/options/secret-file.js";
import { lacksLinks, renameUnlessHeld } from "#dist/transport/rename-hold.js";
import { exitOf, isEvent } from "../support/children.ts";
import { leaveDeadSocket } from "../support/dead-socket.ts";
import { serverAt } from "../support/endpoints.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshDirectory } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { isOutcome, starterName, tellToStart, whoAnswers } from "../support/starters.ts";
import { times } from "../support/thorough.ts";
import { isSettled } from "../support/waiting.ts";

const timeout = 220_000;
const skip = process.platform === "win32" && "pipes need no links";
const instants = times(100);
const long = new Date(Date.now() - 60_000);

test("there are no links here", async () => {
  const directory = freshDirectory();
  writeFileSync(join(directory, "a"), "");
  assert.throws(() => linkSync(join(directory, "a"), join(directory, "b")), lacksLinks);
  await assert.rejects(link(join(directory, "a"), join(directory, "b")), lacksLinks);
  assert.equal(lacksLinks(Object.assign(new Error(), { code: "EEXIST" })), false);
});

describe("a server without hard links", { timeout, skip }, () => {
  test("listens, with its socket's mode, and leaves nothing but that", async (t) => {
    for (const [unmaskPermissions, mode] of [
      [false, 0o600],
      [true, 0o777],
    ] as const) {
      const directory = freshDirectory();
      const server = await serverAt(t, "my-app", { directory, unmaskPermissions });
      assert.deepEqual(readdirSync(directory), ["my-app.sock"]);
      assert.equal(lstatSync(server.address).mode & 0o777, mode);
      await server.close();
      assert.deepEqual(readdirSync(directory), []);
    }
  });

  test("takes the place of a dead socket, and of nothing else", async (t) => {
    const directory = freshDirectory();
    await leaveDeadSocket(addressOf("dead", directory));
    const server = await serverAt(t, "dead", { directory });
    const inUse = { code: "ERR_ADDRESS_IN_USE" };
    await assert.rejects(startServer("dead", { directory }), {
      ...inUse,
      message: /a server is alive there/,
    });
    writeFileSync(join(directory, "file.sock"), "kept");
    await assert.rejects(startServer("file", { directory }), { ...inUse, message: /not a socket/ });
    symlinkSync(server.address, join(directory, "link.sock"));
    await assert.rejects(startServer("link", { directory }), { ...inUse, message: /not a socket/ });
    assert.equal(readFileSync(join(directory, "file.sock"), "utf8"), "kept");
    assert.deepEqual(readdirSync(directory).sort(), ["dead.sock", "file.sock", "link.sock"]);
  });

  test("waits for another that is just starting there, and not for one that was killed", async (t) => {
    const directory = freshDirectory();
    const other = join(directory, ".sp-aaaaaa");
    const hold = join(other, "c-my-app.sock");
    mkdirSync(hold, { recursive: true });
    const starting = startServer("my-app", { directory });
    assert.equal(await isSettled(starting), false);
    utimesSync(hold, long, long);
    const server = await starting;
    t.after(() => server.close());
    assert.equal(existsSync(hold), false);
  });

  test("is not held up by one that starts at another name", async (t) => {
    const directory = freshDirectory();
    mkdirSync(join(directory, ".sp-aaaaaa", "c-other.sock"), { recursive: true });
    await serverAt(t, "my-app", { directory });
  });

  test(`is the only one of those that start at the same instant, ${instants} times`, async (t) => {
    const directory = freshDirectory();
    const starters = await Promise.all([startWithoutLinks(), startWithoutLinks(), startWithoutLinks()]);
    const wins = [0, 0, 0];
    for (let round = 0; round < instants; round++) {
      if (round % 2 === 1) await leaveDeadSocket(addressOf(starterName, directory));
      for (const starter of starters) tellToStart(starter, directory, Date.now() + 5);
      const outcomes = await Promise.all(starters.map((starter) => starter.until(isOutcome)));
      const winners = outcomes.flatMap(({ event }, index) => (event === "listening" ? [index] : []));
      assert.equal(winners.length, 1, JSON.stringify(outcomes));
      const [winner = 0] = winners;
      assert.equal(await whoAnswers(t, directory), starters[winner]?.child.pid);
      wins[winner] = (wins[winner] ?? 0) + 1;
      for (const starter of starters) starter.command({ do: "close" });
      for (const starter of starters) await starter.until(isEvent("closed"));
      assert.deepEqual(readdirSync(directory), []);
    }
    t.diagnostic(`one winner in each of ${instants} rounds: ${wins.join(", ")}`);
    for (const starter of starters) {
      starter.child.stdin?.end();
      assert.equal(await exitOf(starter), 0, starter.stderr);
    }
  });
});

describe("a secret file without hard links", { timeout }, () => {
  test("is made once, whole, and the same for all", async () => {
    for (let round = 0; round < 20; round++) {
      const path = join(freshDirectory(), "secret");
      const secrets = await Promise.all(Array.from({ length: 8 }, () => readSecretFile(path)));
      for (const secret of secrets) assert.deepEqual(secret, secrets[0]);
      assert.equal(secrets[0]?.length, 32);
      assert.deepEqual(readdirSync(dirname(path)), ["secret"]);
      if (process.platform !== "win32") assert.equal(lstatSync(path).mode & 0o777, 0o600);
    }
  });

  test("waits for another that is just making it, and not for one that was killed", async () => {
    const path = join(freshDirectory(), "secret");
    const hold = `${path}.0123456789abcdef.hold`;
    mkdirSync(hold);
    const reading = readSecretFile(path);
    assert.equal(await isSettled(reading), false);
    utimesSync(hold, long, long);
    assert.equal((await reading).length, 32);
    assert.equal(existsSync(hold), false);
  });
});

test("of two that hold a place at the same time neither renames", () => {
  const directory = freshDirectory();
  const file = (name: string, meanwhile: () => void = () => {}) => ({
    from: join(directory, name),
    to: join(directory, "place"),
    hold: join(directory, `hold-${name}`),
    holds: () =>
      readdirSync(directory)
        .filter(isHold)
        .map((entry) => join(directory, entry)),
    mayReplace(): boolean {
      meanwhile();
      return !existsSync(join(directory, "place"));
    },
  });
  const isHold = (entry: string): boolean => entry.startsWith("hold-");
  for (const name of ["a", "b"]) writeFileSync(join(directory, name), name);
  let during: string | undefined;
  const outcome = renameUnlessHeld(file("a", () => (during = renameUnlessHeld(file("b")))));
  assert.deepEqual([outcome, during], ["done", "held"]);
  assert.equal(renameUnlessHeld(file("b")), "taken");
  assert.equal(readFileSync(join(directory, "place"), "utf8"), "a");
  assert.deepEqual(readdirSync(directory).filter(isHold), []);
});

async function startWithoutLinks(): Promise<LinesProcess> {
  const program = new URL("../support/children/starter.js", import.meta.url);
  const preload = new URL("../support/no-links.js", import.meta.url);
  const starter = new LinesProcess(process.execPath, ["--import", preload.href, program.pathname]);
  await starter.until(isEvent("ready"));
  return starter;
}
