import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { SystemError } from "sealpipe";
import { readSecretFile } from "#dist/endpoint/options/secret-file.js";
import { pattern, toHex } from "../../support/bytes.ts";
import { exitOf, isEvent, startChild } from "../../support/children.ts";
import { freshDirectory, freshName } from "../../support/names.ts";
import { notRoot, otherUid } from "../../support/users.ts";

const windows = process.platform === "win32" && "owner and mode are not looked at on Windows";
const directory = freshDirectory();
let last = 0;

/** A path at which there is nothing, in a directory of its own. */
function freshPath(): string {
  last += 1;
  const own = join(directory, String(last));
  mkdirSync(own);
  return join(own, "secret");
}

function fileOf(bytes: Uint8Array | string, mode = 0o600): string {
  const path = freshPath();
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  return path;
}

async function refusal(path: string): Promise<SystemError> {
  try {
    await readSecretFile(path);
  } catch (error) {
    assert.ok(error instanceof SystemError);
    assert.equal(error.code, "ERR_SECRET_FILE");
    assert.ok(error.message.startsWith(`the secret file ${path} `), error.message);
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a secret file that is there", () => {
  test("is the secret, every byte of it, up to 1024", async () => {
    for (const bytes of [pattern(1), pattern(32), pattern(1_024), new TextEncoder().encode("a word\n")]) {
      const secret = await readSecretFile(fileOf(bytes));
      assert.equal(toHex(secret), toHex(bytes));
      assert.equal(secret.buffer.byteLength, bytes.length, "it holds on to nothing else");
    }
  });

  test("stays as it is", async () => {
    const path = fileOf(pattern(32));
    const before = lstatSync(path);
    await readSecretFile(path);
    assert.deepEqual(readFileSync(path), Buffer.from(pattern(32)));
    assert.equal(lstatSync(path).ino, before.ino);
    assert.equal(lstatSync(path).mtimeMs, before.mtimeMs);
  });

  test("is refused if it is empty or too large", async () => {
    assert.match((await refusal(fileOf(""))).message, /is empty$/);
    assert.match((await refusal(fileOf(pattern(1_025)))).message, /has more than 1024 bytes$/);
    assert.match((await refusal(fileOf(pattern(70_000)))).message, /has more than 1024 bytes$/);
  });

  test("is not part of an error", async () => {
    const word = "open sesame ";
    const error = await refusal(fileOf(word.repeat(100)));
    assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /sesame/);
  });

  test("is refused if it is open to anyone else, in whatever way", { skip: windows }, async () => {
    for (const bit of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001]) {
      const error = await refusal(fileOf(pattern(32), 0o600 | bit));
      assert.match(error.message, /is open to others: its mode is 06\d\d and must be 0600$/);
    }
    assert.match((await refusal(fileOf(pattern(32), 0o644))).message, /its mode is 0644/);
    assert.equal((await readSecretFile(fileOf(pattern(32), 0o400))).length, 32);
  });

  test("is refused if it is a symbolic link, whatever it leads to", { skip: windows }, async () => {
    const path = freshPath();
    symlinkSync(fileOf(pattern(32)), path);
    assert.match((await refusal(path)).message, /is a symbolic link$/);
    const dangling = freshPath();
    symlinkSync(join(directory, "nowhere"), dangling);
    assert.match((await refusal(dangling)).message, /is a symbolic link$/);
    assert.equal(existsSync(join(directory, "nowhere")), false, "nothing is made at its end");
  });

  test("is refused if it is no file, without waiting for anyone", { skip: windows }, async () => {
    const named = freshPath();
    mkdirSync(named);
    assert.match((await refusal(named)).message, /is no file$/);
    const pipe = freshPath();
    execFileSync("mkfifo", ["-m", "600", pipe]);
    assert.match((await refusal(pipe)).message, /is no file$/);
  });

  test("is refused if it belongs to another user", { skip: windows || notRoot() }, async () => {
    const path = fileOf(pattern(32));
    chownSync(path, otherUid, otherUid);
    assert.match((await refusal(path)).message, new RegExp(`belongs to the user ${otherUid}$`));
  });
});

describe("a secret file to which another user can change the way", { skip: windows || notRoot() }, () => {
  /** One of ours that is fit but for its directory, and a place in the same directory where there is none. */
  function pathsBelow(change: (path: string) => void): string[] {
    const path = fileOf(pattern(32));
    change(dirname(path));
    return [path, join(dirname(path), "missing")];
  }

  async function refuses(paths: string[], why: RegExp): Promise<void> {
    for (const path of paths) assert.match((await refusal(path)).message, why);
    const [, missing = ""] = paths;
    assert.deepEqual(readdirSync(dirname(missing)), ["secret"], "nothing is made there");
  }

  test("is refused, read or made, if its directory is that user's", async () => {
    const paths = pathsBelow((path) => chownSync(path, otherUid, otherUid));
    await refuses(
      paths,
      new RegExp(`is not safe: ${dirname(paths[0] as string)} belongs to the user ${otherUid}$`),
    );
  });

  test("is refused, read or made, if a directory above is that user's", async () => {
    const paths = pathsBelow((path) => mkdirSync(join(path, "below")));
    const above = dirname(paths[0] as string);
    const below = join(above, "below", "secret");
    writeFileSync(below, pattern(32), { mode: 0o600 });
    chownSync(above, otherUid, otherUid);
    await refuses([below, join(above, "below", "missing")], /is not safe: .+ belongs to the user/);
  });

  test("is refused, read or made, if everybody can write its directory", async () => {
    await refuses(
      pathsBelow((path) => chmodSync(path, 0o777)),
      /is not safe: .+ is a directory that others can write/,
    );
  });

  test("is refused, read or made, if that user owns a link on it", async () => {
    const target = dirname(fileOf(pattern(32)));
    const link = freshPath();
    symlinkSync(target, link);
    assert.equal((await readSecretFile(join(link, "secret"))).length, 32, "one of ours is followed");
    lchownSync(link, otherUid, otherUid);
    const paths = [join(link, "secret"), join(link, "missing")];
    await refuses(paths, new RegExp(`is not safe: ${link} belongs to the user ${otherUid}$`));
  });
});

describe("a secret file that is not there yet", () => {
  test("is made of 32 random bytes that only its owner can read", async () => {
    const paths = [freshPath(), freshPath()];
    const secrets = await Promise.all(paths.map(readSecretFile));
    for (const [index, path] of paths.entries()) {
      assert.equal(toHex(secrets[index] as Uint8Array), toHex(readFileSync(path)));
      assert.equal(readFileSync(path).length, 32);
      if (!windows) assert.equal(lstatSync(path).mode & 0o7777, 0o600);
      assert.deepEqual(readdirSync(join(path, "..")), ["secret"], "nothing is left beside it");
    }
    assert.notDeepEqual(secrets[0], secrets[1]);
    assert.ok(secrets[0]?.some((byte) => byte !== 0));
  });

  test("is the same for all that make it at once", async () => {
    for (let round = 0; round < 20; round++) {
      const path = freshPath();
      const secrets = await Promise.all(Array.from({ length: 8 }, () => readSecretFile(path)));
      assert.equal(new Set(secrets.map(toHex)).size, 1);
      assert.deepEqual(readdirSync(join(path, "..")), ["secret"]);
    }
  });

  test("has no name of its own before all of it is written", async (t) => {
    const path = freshPath();
    const beside = fileOf("");
    const file = await open(beside);
    const handle = Object.getPrototypeOf(file) as typeof file;
    await file.close();
    // Looked at before and after each step of making it.
    let steps = 0;
    for (const name of ["chmod", "writeFile", "sync"] as const) {
      const step = handle[name] as (...args: unknown[]) => Promise<void>;
      t.mock.method(handle, name, async function (this: typeof file, ...args: unknown[]) {
        assert.equal(existsSync(path), false, `it is there before ${name}`);
        await step.apply(this, args);
        assert.equal(existsSync(path), false, `it is there before ${name} is done`);
        steps += 1;
      });
    }
    const made = await readSecretFile(path).finally(() => t.mock.restoreAll());
    assert.equal(toHex(made), toHex(readFileSync(path)));
    assert.ok(steps > 0, "it was looked at meanwhile");
  });

  test("has that mode under every umask", { skip: windows }, async (t) => {
    for (const umask of ["0", "077", "0777"]) {
      const path = freshPath();
      const child = startChild("contender", freshName(), JSON.stringify({ secretFile: path }), umask);
      t.after(() => child.kill());
      child.command({ do: "start" });
      await child.until(isEvent("listening"));
      assert.equal(lstatSync(path).mode & 0o7777, 0o600, umask);
      assert.equal(readFileSync(path).length, 32);
      child.command({ do: "close" });
      await exitOf(child);
    }
  });

  test("is refused if its directory is not there", async () => {
    const error = await refusal(join(directory, "missing", "secret"));
    assert.match(error.message, /cannot be used: ENOENT/);
    assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOENT");
  });
});
