import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SystemError } from "sealpipe";
import { runtimeDirectory } from "#dist/transport/runtime-directory.js";
import { freshDirectory } from "../support/names.ts";
import { notRoot, otherUid } from "../support/users.ts";

const skip = process.platform === "win32" && "Windows has no such directory";

function refuses(path: string | undefined, why: RegExp): void {
  assert.throws(
    () => runtimeDirectory("linux", { environment: { XDG_RUNTIME_DIR: path }, perUser: "/nowhere" }),
    (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_NO_RUNTIME_DIRECTORY");
      assert.match(error.message, /this user has no runtime directory: XDG_RUNTIME_DIR /);
      assert.match(error.message, why);
      return true;
    },
  );
}

describe("the user's runtime directory", { skip }, () => {
  test("is XDG_RUNTIME_DIR on Linux and the BSDs, and TMPDIR on macOS", () => {
    const [xdg, temporary] = [freshDirectory(), freshDirectory()];
    const surroundings = { environment: { XDG_RUNTIME_DIR: xdg, TMPDIR: temporary }, perUser: "/nowhere" };
    assert.equal(runtimeDirectory("linux", surroundings), xdg);
    assert.equal(runtimeDirectory("freebsd", surroundings), xdg);
    assert.equal(runtimeDirectory("darwin", surroundings), temporary);
  });

  test("is the one that systemd makes on Linux, if the variable is not set or empty", () => {
    const perUser = freshDirectory();
    const own = join(perUser, String(process.geteuid?.()));
    mkdirSync(own, { mode: 0o700 });
    for (const XDG_RUNTIME_DIR of [undefined, ""]) {
      assert.equal(runtimeDirectory("linux", { environment: { XDG_RUNTIME_DIR }, perUser }), own);
    }
    chmodSync(own, 0o755);
    assert.throws(() => runtimeDirectory("linux", { environment: {}, perUser }), {
      code: "ERR_NO_RUNTIME_DIRECTORY",
      message: /XDG_RUNTIME_DIR is not set, and \/.*\/\d+ has the mode 0755 instead of 0700/,
    });
  });

  test("is not there if the variable is not set and there is no other, and what to do is said", () => {
    refuses(
      undefined,
      /is not set, and \/nowhere\/\d+ cannot be used: .*loginctl enable-linger.*"directory"/,
    );
    for (const platform of ["darwin", "freebsd"] as const) {
      assert.throws(() => runtimeDirectory(platform, { environment: {}, perUser: "/run/user" }), {
        code: "ERR_NO_RUNTIME_DIRECTORY",
        message: /(TMPDIR|XDG_RUNTIME_DIR) is not set\. .*give both ends the same "directory"/,
      });
    }
  });

  test("is no relative path", () => refuses("run/me", /is not an absolute path: run\/me\. /));

  test("is there", () => refuses(join(freshDirectory(), "gone"), /cannot be used: ENOENT/));

  test("is a directory", () => {
    const path = join(freshDirectory(), "file");
    writeFileSync(path, "");
    refuses(path, /is not a directory/);
  });

  for (const mode of [0o711, 0o750, 0o770, 0o777, 0o1777, 0o755, 0o500]) {
    test(`does not have mode 0${mode.toString(8)}`, () => {
      const path = join(freshDirectory(), "own");
      mkdirSync(path);
      chmodSync(path, mode);
      refuses(path, /has the mode 0\d+ instead of 0700/);
    });
  }

  test("may be reached by a link", () => {
    const link = join(freshDirectory(), "link");
    symlinkSync(freshDirectory(), link);
    assert.equal(
      runtimeDirectory("linux", { environment: { XDG_RUNTIME_DIR: link }, perUser: "/nowhere" }),
      link,
    );
  });

  test("belongs to no other user", { skip: notRoot() }, () => {
    const path = freshDirectory();
    chownSync(path, otherUid, otherUid);
    refuses(path, /belongs to the user 65534, not to 0/);
  });
});
