import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspectAddress, listAddresses, startServer } from "sealpipe";
import { statesOf } from "#dist/transport/address-states.js";
import { startServerProcess } from "../support/children.ts";
import { freshDirectory } from "../support/names.ts";
import { noUnixSockets } from "../support/platform.ts";

const skip = noUnixSockets || (process.platform !== "linux" && "only Linux shows who listens");

describe("what is at an address", { skip }, () => {
  test("is nothing, or a file, or a server of ours with its process", async () => {
    const directory = freshDirectory();
    const free = await inspectAddress("my-app", { directory });
    assert.deepEqual(free, {
      address: join(directory, "my-app.sock"),
      state: "free",
      isSealpipe: undefined,
      owner: undefined,
      mode: undefined,
      changedAt: undefined,
      holder: undefined,
      objection: undefined,
    });
    writeFileSync(join(directory, "file.sock"), "");
    assert.equal((await inspectAddress("file", { directory })).state, "foreign");
    const before = Date.now();
    const { child } = await startServerProcess("my-app", { directory });
    const {
      state,
      isSealpipe,
      owner,
      mode,
      changedAt = 0,
      holder,
    } = await inspectAddress("my-app", { directory });
    assert.deepEqual(
      [state, isSealpipe, owner, mode, holder?.pid],
      ["listening", true, process.getuid?.(), 0o600, child.pid],
    );
    // A file system's clock may be a tick behind.
    assert.ok(changedAt >= before - 1000 && changedAt <= Date.now());
  });

  test("is another program's socket, which is not touched", async (t) => {
    const directory = freshDirectory();
    let connections = 0;
    const server = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(join(directory, "other.sock"), resolve));
    t.after(() => server.close());
    const { state, isSealpipe, holder } = await inspectAddress("other", { directory });
    assert.deepEqual([state, isSealpipe, holder?.pid], ["listening", false, process.pid]);
    const listed = await listAddresses({ directories: [directory] });
    assert.equal(listed.find(({ address }) => address === join(directory, "other.sock"))?.isSealpipe, false);
    assert.equal(connections, 0);
  });

  test("is a dead socket after a kill, and unknown if the system has no table", async () => {
    const directory = freshDirectory();
    const killed = await startServerProcess("my-app", { directory });
    await killed.kill();
    assert.equal((await inspectAddress("my-app", { directory })).state, "dead");
    const table = { socketTable: "/nowhere/unix", processes: "/nowhere", patienceMs: 10 };
    const [state] = await statesOf([{ kind: "unix-socket", path: join(directory, "my-app.sock") }], table);
    assert.equal(state?.state, "unknown");
  });

  test("has an objection if a client would not connect there", async () => {
    const directory = join(freshDirectory(), "open");
    mkdirSync(directory);
    const server = await startServer("my-app", { directory });
    chmodSync(directory, 0o777);
    const { objection } = await inspectAddress("my-app", { directory });
    assert.match(objection as string, /is a directory that others can write to, without the sticky bit/);
    assert.equal((await inspectAddress("my-app", { directory, trust: "any" })).objection, undefined);
    chmodSync(directory, 0o700);
    await server.close();
  });

  test("cannot be asked with nonsense", async () => {
    await assert.rejects(inspectAddress("no/slashes"), { code: "ERR_INVALID_NAME" });
    for (const options of [{ directory: "relative" }, { retry: false }, { trust: ["root"] }, 5]) {
      await assert.rejects(inspectAddress("my-app", options as never), { code: "ERR_INVALID_OPTION" });
    }
    for (const directories of ["/tmp", ["tmp"], [5], ["runtime"], {}]) {
      await assert.rejects(listAddresses({ directories } as never), { code: "ERR_INVALID_OPTION" });
    }
  });

  test("is listed though a directory is not there, or not a directory", async () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, "file"), "");
    const server = await startServer("my-app", { directory });
    const directories = ["/nowhere", join(directory, "file"), directory, directory];
    const found = await listAddresses({ directories });
    await server.close();
    assert.equal(found.filter(({ address }) => address === server.address).length, 1);
  });
});
