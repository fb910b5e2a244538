import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { startServer } from "sealpipe";
import { startServerProcess } from "../support/children.ts";
import { lacksGo } from "../support/go-peer.ts";
import { startGoServer } from "../support/go-server.ts";
import { freshDirectory } from "../support/names.ts";
import { noUnixSockets } from "../support/platform.ts";
import { runSealpipe } from "../support/sealpipe-program.ts";

const skip = noUnixSockets || (process.platform !== "linux" && "only Linux shows who listens");

async function listed(...args: readonly string[]): Promise<Map<unknown, Record<string, unknown>>> {
  const { exitCode, stderr, records } = await runSealpipe(["list", ...args]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  return new Map(records.map((record) => [record["address"], record]));
}

describe("sealpipe list", { skip }, () => {
  test("shows a live server of ours, one that was killed, and nothing that is no socket", async (t) => {
    const directory = freshDirectory();
    const live = await startServerProcess("live", { directory });
    const killed = await startServerProcess("killed", { directory });
    await killed.kill();
    writeFileSync(join(directory, "file.sock"), "");
    mkdirSync(join(directory, "directory.sock"));
    t.after(() => live.kill());
    const found = await listed("--directory", directory);
    const {
      name,
      state,
      library,
      owner,
      mode,
      pid,
      process: title,
    } = found.get(join(directory, "live.sock")) ?? {};
    assert.deepEqual(
      { name, state, library, owner, mode, pid },
      {
        name: "live",
        state: "listening",
        library: "sealpipe",
        owner: process.getuid?.(),
        mode: "0600",
        pid: live.child.pid,
      },
    );
    assert.match(title as string, /./);
    const dead = found.get(join(directory, "killed.sock"));
    assert.deepEqual([dead?.["state"], dead?.["library"], dead?.["pid"]], ["dead", undefined, undefined]);
    assert.deepEqual(
      [...found.keys()].filter((path) => /(file|directory)\.sock/.test(path as string)),
      [],
    );
  });

  test("finds a sealpipe server wherever it listens, and in private directories", async (t) => {
    const directory = freshDirectory();
    const open = await startServer("open", { directory });
    const closed = await startServer("closed", { directory, privateDirectory: true });
    t.after(() => Promise.all([open.close(), closed.close()]));
    const found = await listed();
    assert.equal(found.get(open.address)?.["library"], "sealpipe");
    assert.equal(found.get(closed.address)?.["state"], "listening");
  });

  test("does not connect to a golang-ipc server, and says that it is not ours", {
    skip: lacksGo(),
  }, async (t) => {
    const { name, go } = await startGoServer(t);
    const found = (await listed()).get(`/tmp/${name}.sock`);
    const { state, library, pid } = found ?? {};
    assert.deepEqual({ state, library, pid }, { state: "listening", library: "other", pid: go.child.pid });
    // Somebody who connects and hangs up would have ended it.
    const status = await go.ask({ do: "status" });
    assert.equal(status["status"], "listening");
  });

  test("is a table for people", async (t) => {
    const directory = freshDirectory();
    const server = await startServer("my-app", { directory });
    t.after(() => server.close());
    const { stdout } = await runSealpipe(["list", "--no-json"]);
    const [head = "", ...rows] = stdout.split("\n");
    assert.match(head, /^NAME +STATE +LIBRARY +OWNER +MODE +PROCESS +ADDRESS$/);
    const row = rows.find((line) => line.endsWith(server.address)) ?? "";
    assert.equal(row.slice(head.indexOf("STATE")).startsWith("listening"), true);
    assert.equal(row.slice(head.indexOf("ADDRESS")), server.address);
  });
});
