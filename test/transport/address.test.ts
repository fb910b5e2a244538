import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { CallerError } from "sealpipe";
import { type AddressOptions, resolveAddress, roomBehind } from "#dist/transport/address.js";
import { freshDirectory } from "../support/names.ts";
import { onWindows } from "../support/platform.ts";

const linux: AddressOptions = { directory: "/tmp", platform: "linux" };
const mac: AddressOptions = { directory: "/tmp", platform: "darwin" };
const windows: AddressOptions = { directory: "/tmp", platform: "win32" };

function refuses(name: string, options: AddressOptions, code: string, message?: RegExp): void {
  assert.throws(
    () => resolveAddress(name, options),
    (error) => {
      assert.ok(error instanceof CallerError);
      assert.equal(error.code, code);
      if (message !== undefined) assert.match(error.message, message);
      return true;
    },
  );
}

describe("a name", () => {
  test("is a socket in the directory on Linux and macOS", () => {
    assert.deepEqual(resolveAddress("my-app", linux), { kind: "unix-socket", path: "/tmp/my-app.sock" });
    assert.deepEqual(resolveAddress("my-app", mac), { kind: "unix-socket", path: "/tmp/my-app.sock" });
  });

  test("is a pipe on Windows, wherever the directory is", () => {
    const pipe = { kind: "named-pipe", path: "\\\\.\\pipe\\my-app" };
    assert.deepEqual(resolveAddress("my-app", windows), pipe);
    assert.deepEqual(resolveAddress("my-app", { ...windows, directory: "/elsewhere" }), pipe);
  });

  for (const name of ["a", "Z9", "a.b", "a_b-c", ".", "-", "_", "a.", ".a"]) {
    test(`may be ${JSON.stringify(name)}`, () => {
      assert.equal(resolveAddress(name, linux).path, `/tmp/${name}.sock`);
      assert.equal(resolveAddress(name, windows).path, `\\\\.\\pipe\\${name}`);
    });
  }

  const bad = [
    "..",
    "a..b",
    "../etc",
    "a/b",
    "/a",
    "a\\b",
    "a\0",
    "a\n",
    "\na",
    "a b",
    " ",
    "naïve",
    "名",
    "😀",
    "a:b",
    "a*",
  ];
  for (const name of bad) {
    test(`may not be ${JSON.stringify(name)}`, () => {
      for (const options of [linux, mac, windows]) refuses(name, options, "ERR_INVALID_NAME", /not allowed/);
    });
  }

  test("may not be empty", () => {
    refuses("", linux, "ERR_INVALID_NAME", /not empty/);
  });

  for (const name of [undefined, null, 5, {}, ["a"]]) {
    test(`may not be ${JSON.stringify(name)}, which is no string`, () => {
      refuses(name as string, linux, "ERR_INVALID_NAME");
    });
  }

  test("never leaves the directory, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (name) => {
        try {
          const { path } = resolveAddress(name, linux);
          assert.match(path, /^\/tmp\/[^/]+\.sock$/);
          assert.ok(!path.split("/").includes(".."), path);
        } catch (error) {
          assert.ok(error instanceof CallerError);
          assert.equal(error.code, "ERR_INVALID_NAME");
        }
      }),
      { examples: [[".."], ["."], ["a."], ["a/../b"]] },
    );
  });
});

describe("the directory", () => {
  test("is the user's own if it is asked for, and is not asked for on Windows", (t) => {
    const own = freshDirectory();
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
    });
    process.env = { ...before, XDG_RUNTIME_DIR: own, TMPDIR: `${own}/` };
    // A Windows has no directory that would do.
    for (const options of onWindows ? [] : [linux, mac]) {
      assert.equal(resolveAddress("a", { ...options, directory: "runtime" }).path, `${own}/a.sock`);
    }
    process.env = {};
    assert.throws(() => resolveAddress("a", { ...linux, directory: "runtime" }), {
      code: "ERR_NO_RUNTIME_DIRECTORY",
    });
    assert.equal(resolveAddress("a", { ...windows, directory: "runtime" }).path, "\\\\.\\pipe\\a");
  });

  const directories = [
    ["/run/user/1000", "/run/user/1000/a.sock"],
    ["/run/user/1000/", "/run/user/1000/a.sock"],
    ["/run///", "/run/a.sock"],
    ["/", "/a.sock"],
    ["//", "/a.sock"],
  ] as const;
  for (const [directory, path] of directories) {
    test(`${directory} gives ${path}`, () => {
      assert.equal(resolveAddress("a", { ...linux, directory }).path, path);
    });
  }
});

describe("whom one trusts with an address", () => {
  test("goes with a socket's address, and has no meaning for a pipe", () => {
    assert.deepEqual(resolveAddress("a", { ...linux, trust: [5] }).trust, [5]);
    assert.equal(resolveAddress("a", { ...linux, trust: "any" }).trust, "any");
    assert.equal("trust" in resolveAddress("a", linux), false);
    assert.equal("trust" in resolveAddress("a", { ...windows, trust: [5] }), false);
  });
});

describe("an address's length", () => {
  /** A name with which the whole path has that many bytes. */
  function nameFor(pathBytes: number): string {
    return "n".repeat(pathBytes - "/tmp/.sock".length);
  }

  for (const [platform, most] of [
    ["linux", 107],
    ["darwin", 103],
    ["freebsd", 103],
  ] as const) {
    test(`may be ${most} bytes on ${platform} and not one more`, () => {
      const options = { directory: "/tmp", platform };
      assert.equal(resolveAddress(nameFor(most), options).path.length, most);
      const expected = new RegExp(`has ${most + 1} bytes; ${most} is the max`);
      refuses(nameFor(most + 1), options, "ERR_ADDRESS_TOO_LONG", expected);
    });
  }

  test("may be 256 characters on Windows, the prefix among them, and not one more", () => {
    const name = "n".repeat(256 - "\\\\.\\pipe\\".length);
    assert.equal(resolveAddress(name, windows).path.length, 256);
    refuses(`${name}n`, windows, "ERR_ADDRESS_TOO_LONG", /has 257 characters; 256 is the max/);
  });

  test("is counted in bytes, not in characters, if the directory has others than ASCII", () => {
    const bytes = 3;
    const character = "名";
    const directory = `/${character.repeat(33)}`;
    const most = "n".repeat(107 - 1 - 33 * bytes - "/.sock".length);
    assert.ok(resolveAddress(most, { ...linux, directory }).path.length < 107);
    refuses(`${most}n`, { ...linux, directory }, "ERR_ADDRESS_TOO_LONG", /has 108 bytes/);
  });

  test("is checked for a directory in which a socket is bound deeper", () => {
    const directory = `/${"n".repeat(93)}`;
    assert.equal(roomBehind(directory, { platform: "linux", stagingBytes: 13 }), 0);
    assert.equal(roomBehind(directory, { platform: "linux", stagingBytes: 10 }), 3);
    assert.equal(roomBehind("/", { platform: "linux", stagingBytes: 107 }), 0);
    for (const [path, platform] of [
      [`${directory}n`, "linux"],
      [directory, "darwin"],
    ] as const) {
      assert.throws(() => roomBehind(path, { platform, stagingBytes: 13 }), {
        code: "ERR_ADDRESS_TOO_LONG",
      });
    }
  });
});
