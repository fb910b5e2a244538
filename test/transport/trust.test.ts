import assert from "node:assert/strict";
import { chmodSync, lchownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SystemError } from "sealpipe";
import { checkAddressTrusted, checkDirectoryOwn, type Trust } from "#dist/transport/trust.js";
import { freshDirectory } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";

const skip = process.platform === "win32" && "Windows has no owners in this sense";

function check(path: string, trust?: Trust): void {
  const address = { kind: "unix-socket", path } as const;
  checkAddressTrusted(trust === undefined ? address : { ...address, trust });
}

function refuses(path: string, why: RegExp, trust?: Trust): void {
  assert.throws(
    () => check(path, trust),
    (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_ADDRESS_UNTRUSTED");
      assert.ok(error.message.startsWith(`the address ${path} is not safe: `), error.message);
      assert.match(error.message, why);
      return true;
    },
  );
}

/** A file in a fresh directory; what kind it is does not matter here. */
function fileIn(directory: string): string {
  const path = join(directory, "a.sock");
  writeFileSync(path, "");
  return path;
}

function directoryWith(mode: number, parent = freshDirectory()): string {
  const path = join(parent, "directory");
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

/** A user of this system who has a group of their own, as Debian's system users have. Found without what is tested here. */
const own = usersOfPasswd().find(isAloneInGroup) ?? { uid: 0, gid: 0 };
const noOwn = own.uid === 0 && "this system has no user with a group of their own";

describe("an address is trusted", { skip }, () => {
  test("if what lies there is our own", () => check(fileIn(freshDirectory())));

  test("in /tmp, wherever the system has that", () => {
    checkDirectoryOwn({ path: "/tmp/a.sock" });
  });

  test("in a directory that others can only add to", () => check(fileIn(directoryWith(0o1777))));

  test("by symbolic links of our own, absolute, relative and up, on the way and at its end", () => {
    const directory = freshDirectory();
    const path = fileIn(directoryWith(0o755, directory));
    symlinkSync(join(directory, "directory"), join(directory, "absolute"));
    symlinkSync("directory/.././directory", join(directory, "relative"));
    symlinkSync("../absolute/a.sock", join(directory, "directory", "b.sock"));
    for (const way of ["absolute/a.sock", "relative/a.sock", "relative/b.sock"]) check(join(directory, way));
    check(path);
  });

  test("by everyone, if any is", () => check(fileIn(directoryWith(0o777)), "any"));

  test("without a look, if any is", () => check("/nowhere/a.sock", "any"));
});

describe("an address is not trusted", { skip }, () => {
  for (const mode of [0o777, 0o775, 0o757, 0o722]) {
    test(`in a directory that others can write, with mode ${mode.toString(8)}`, () => {
      refuses(
        fileIn(directoryWith(mode)),
        /directory is a directory that (others|its group \(\d+\)) can write to, without the sticky bit; set that bit \(chmod/,
      );
    });

    test(`below a directory that others can write, with mode ${mode.toString(8)}`, () => {
      refuses(fileIn(directoryWith(0o700, directoryWith(mode))), /directory that .+ can write/);
    });
  }

  test("that a link leads to a directory that others can write", () => {
    const link = join(freshDirectory(), "link");
    symlinkSync(directoryWith(0o777), link);
    fileIn(link);
    refuses(join(link, "a.sock"), /directory that others can write/);
  });

  test("by links without an end", () => {
    const directory = freshDirectory();
    symlinkSync("b", join(directory, "a"));
    symlinkSync("a", join(directory, "b"));
    refuses(join(directory, "a"), /too many symbolic links; correct the links/);
  });

  test("nor distrusted if it is not there: the system's own error tells", () => {
    const directory = freshDirectory();
    assert.throws(() => check(join(directory, "gone")), { code: "ENOENT" });
    assert.throws(() => check(join(directory, "gone", "gone")), { code: "ENOENT" });
    assert.throws(() => check(join(fileIn(directory), "below-a-file")), { code: "ENOTDIR" });
  });
});

describe("another user", { skip: skip || notRoot() }, () => {
  function give(path: string): string {
    lchownSync(path, otherUid, otherUid);
    return path;
  }

  test("is not trusted with a socket, unless named", () => {
    const path = give(fileIn(freshDirectory()));
    refuses(path, /a\.sock belongs to the user 65534; if that user .* set the option "trust" to \[65534\]/);
    refuses(path, /belongs to the user 65534/, [1, 65_533]);
    check(path, [1, otherUid]);
    check(path, "any");
  });

  test("is not trusted with a directory, even one whose sticky bit keeps others off", () => {
    const directory = give(directoryWith(0o1777));
    refuses(fileIn(directory), /directory belongs to the user 65534/);
    check(join(directory, "a.sock"), [otherUid]);
    for (const trust of [[], [otherUid], "any"] as const) {
      const address = { kind: "unix-socket", path: join(directory, "b.sock"), trust } as const;
      assert.throws(() => checkDirectoryOwn(address), { code: "ERR_ADDRESS_UNTRUSTED" });
    }
  });

  test("is trusted with a directory that a group can write only if it is that user's own", {
    skip: noOwn,
  }, () => {
    const directory = directoryWith(0o770);
    const path = join(directory, "a.sock");
    fileIn(directory);
    lchownSync(directory, own.uid, own.gid);
    refuses(path, /belongs to the user/);
    check(path, [own.uid]);
    lchownSync(directory, own.uid, 0);
    refuses(path, /is a directory that its group \(0\) can write/, [own.uid]);
    lchownSync(directory, own.uid, own.gid);
    chmodSync(directory, 0o772);
    refuses(path, /is a directory that others can write/, [own.uid]);
  });

  test("is not trusted with a directory above", () => {
    const above = freshDirectory();
    const path = fileIn(directoryWith(0o700, above));
    give(above);
    refuses(path, /belongs to the user 65534/);
  });

  test("is not trusted with a symbolic link, wherever it leads", () => {
    const directory = directoryWith(0o1777);
    const path = fileIn(directory);
    const link = join(directory, "link.sock");
    symlinkSync(path, link);
    check(link);
    give(link);
    refuses(link, /link\.sock belongs to the user 65534/);
    check(link, [otherUid]);
  });
});

interface User {
  readonly uid: number;
  readonly gid: number;
}

function usersOfPasswd(): User[] {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  return lines
    .map((line) => line.split(":"))
    .map(([, , uid, gid]) => ({ uid: Number(uid), gid: Number(gid) }));
}

function isAloneInGroup({ uid, gid }: User, _index: number, users: readonly User[]): boolean {
  const groups = readFileSync("/etc/group", "utf8").split("\n");
  const itsGroups = groups.filter((line) => line.split(":")[2] === String(gid));
  const itsUsers = users.filter((user) => user.gid === gid);
  return (
    uid > 0 &&
    uid === gid &&
    itsUsers.length === 1 &&
    itsGroups.length === 1 &&
    /:$/.test(itsGroups[0] as string)
  );
}
