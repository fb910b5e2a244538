import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "sealpipe";
import { freshDirectory } from "../support/names.ts";
import { until } from "../support/waiting.ts";

/** Elsewhere a system may forbid it; and root alone may give files to others. */
const mayNot =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["--user", "--mount", "--map-root-user", "true"]).status === 0
    ? false
    : "this process cannot make namespaces and users' files";

const index = fileURLToPath(new URL("../../../dist/index.js", import.meta.url));

/** What a client prints that runs in namespaces of its own, after `first`: its answer, or its error. */
async function clientIn(
  flags: readonly string[],
  { options, first = "true" }: { options: object; first?: string },
): Promise<string> {
  const script = join(freshDirectory(), "client.mjs");
  writeFileSync(
    script,
    `import { startClient } from ${JSON.stringify(index)};
try {
  const client = await startClient("my-app", ${JSON.stringify({ retry: false, ...options })});
  console.log((await client.request(1, "as " + process.getuid())).text);
  await client.close();
} catch (error) {
  console.log(error.code, error.message);
}`,
  );
  const command = `${first} && exec "${process.execPath}" "${script}"`;
  const { stdout } = await promisify(execFile)("unshare", [...flags, "sh", "-c", command], {
    timeout: 30_000,
  });
  return stdout.trim();
}

/** A server's directory. */
async function serverIn(t: TestContext, directory = freshDirectory()): Promise<string> {
  const server = await startServer("my-app", { directory });
  server.handle(1, ({ text }) => text);
  t.after(() => server.close());
  return directory;
}

describe("a client in a container, which is a set of namespaces", { skip: mayNot, timeout: 60_000 }, () => {
  test("connects to its own user's socket, if that user is root there", async (t) => {
    const directory = await serverIn(t);
    assert.equal(await clientIn(["--user", "--map-root-user"], { options: { directory } }), "as 0");
  });

  test("connects to its own user's socket, whatever number that user has there", async (t) => {
    const directory = await serverIn(t);
    const flags = ["--user", "--map-user=1234", "--map-group=1234"];
    // The way to it is root's, who is this user, and so 1234's here.
    assert.equal(await clientIn(flags, { options: { directory } }), "as 1234");
  });

  test("sees every user that is not mapped as 65534, and does not trust that one", async (t) => {
    const directory = await serverIn(t);
    chmodSync(directory, 0o755);
    chownSync(join(directory, "my-app.sock"), 4_321, 4_321);
    const flags = ["--user", "--map-root-user"];
    const refused = await clientIn(flags, { options: { directory } });
    assert.match(refused, /^ERR_ADDRESS_UNTRUSTED .*65534/);
    // It can be told to: then it trusts every user that is not mapped.
    const trusting = await clientIn(flags, { options: { directory, trust: [65_534] } });
    assert.doesNotMatch(trusting, /ERR_ADDRESS_UNTRUSTED/);
    chownSync(join(directory, "my-app.sock"), 0, 0);
  });

  test("connects through a directory that is mounted into it, also to a server that came later", async (t) => {
    const outside = freshDirectory();
    const inside = freshDirectory();
    const options = { directory: inside };
    const first = `mount --bind "${outside}" "${inside}"`;
    const flags = ["--user", "--map-root-user", "--mount"];
    assert.match(await clientIn(flags, { options, first }), /^ERR_CONNECT_FAILED .*no server is there/);
    await serverIn(t, outside);
    assert.equal(await clientIn(flags, { options, first }), "as 0");
  });

  test("learns why a socket that is mounted by itself leads nowhere once its server has started again", async () => {
    const outside = freshDirectory();
    const inside = freshDirectory();
    const before = await startServer("my-app", { directory: outside });
    writeFileSync(join(inside, "my-app.sock"), "");
    // Mounted while the server is there, and used once it has gone.
    const first = `mount --bind "${outside}/my-app.sock" "${inside}/my-app.sock" && echo mounted > "${inside}/mounted" && while [ -e "${outside}/my-app.sock" ]; do sleep 0.01; done`;
    const asked = clientIn(["--user", "--map-root-user", "--mount"], {
      options: { directory: inside },
      first,
    });
    await until(() => existsSync(join(inside, "mounted")));
    await before.close();
    assert.match(await asked, /ERR_CONNECT_FAILED .*nobody listens on the socket that is mounted there/);
  });
});
