import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connectFailed, isAbsence } from "#dist/transport/connect-failure.js";
import { freshDirectory } from "../support/names.ts";
import { noUnixSockets } from "../support/platform.ts";

function failure(code: string, path = "/nobody-is-here.sock") {
  const cause = Object.assign(new Error(`connect ${code} ${path}`), { code });
  return connectFailed({ kind: "unix-socket", path }, cause);
}

/** Whether this user may mount in a namespace of its own. */
function noMounts(): string | false {
  if (process.platform !== "linux") return "only Linux mounts files";
  try {
    execFileSync("unshare", ["-rm", "true"], { stdio: "ignore" });
    return false;
  } catch {
    return "this user may not mount";
  }
}

describe("a failure to connect", { timeout: 60_000 }, () => {
  for (const code of ["ENOENT", "ECONNREFUSED", "ETIMEDOUT", "UNKNOWN"]) {
    test(`by ${code} is a server's absence, if nothing else is in its way`, () => {
      const error = failure(code);
      assert.equal(isAbsence(error), true);
      assert.equal(error.code, "ERR_CONNECT_FAILED");
      assert.ok(error.message.includes("/nobody-is-here.sock"));
    });
  }

  for (const code of ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "ECONNRESET", "EACCES"]) {
    test(`by ${code} is none`, () => assert.equal(isAbsence(failure(code)), false));
  }

  test("is none if the directory is missing", () => {
    const error = failure("ENOENT", "/no-such-directory/app.sock");
    assert.equal(isAbsence(error), false);
    assert.match(error.message, /the directory \/no-such-directory does not exist/);
  });

  test("is none if what is there is no socket", () => {
    const directory = freshDirectory();
    assert.equal(isAbsence(failure("ECONNREFUSED", directory)), false);
    const file = join(directory, "file.sock");
    writeFileSync(file, "");
    assert.equal(isAbsence(failure("ECONNREFUSED", file)), false);
  });

  test("of a pipe does not look at the file system", () => {
    const cause = Object.assign(new Error("none"), { code: "ENOENT" });
    const error = connectFailed({ kind: "named-pipe", path: "\\\\.\\pipe\\app" }, cause);
    assert.equal(isAbsence(error), true);
  });

  test("of anything else is none", () => {
    for (const other of [undefined, null, "ENOENT", new Error("odd")]) assert.equal(isAbsence(other), false);
  });

  test("at a socket that is mounted by itself says so", { skip: noUnixSockets || noMounts() }, async () => {
    const directory = freshDirectory();
    const [outside, inside] = [join(directory, "outside.sock"), join(directory, "inside.sock")];
    writeFileSync(inside, "");
    const server = createServer().listen(outside);
    await new Promise((resolve) => server.once("listening", resolve));
    const url = import.meta.resolve("#dist/transport/connect-failure.js");
    const program = `
      const { connectFailed, isAbsence } = await import(${JSON.stringify(url)});
      const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
      const error = connectFailed({ kind: "unix-socket", path: ${JSON.stringify(inside)} }, cause);
      console.log(isAbsence(error), error.message);
    `;
    const script = `mount --bind "$0" "$1" && exec "$2" --input-type=module -e "$3"`;
    const args = ["-rm", "sh", "-c", script, outside, inside, process.execPath, program];
    const output = execFileSync("unshare", args, { encoding: "utf8" });
    server.close();
    assert.match(output, /^false cannot connect to .* mounted there/);
  });
});
