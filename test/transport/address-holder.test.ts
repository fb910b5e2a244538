import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type SealpipeError, startServer } from "sealpipe";
import { holderOf, linux, type ProcessTable } from "#dist/transport/address-holder.js";
import { startServerProcess } from "../support/children.ts";
import { freshDirectory } from "../support/names.ts";

const skip = process.platform !== "linux" && "only Linux tells";

/** A table of sockets and processes of our own. */
function tableOf(
  sockets: readonly (readonly [inode: number, path: string])[],
  processes: Readonly<Record<string, { readonly inode: number; readonly comm?: string }>>,
): ProcessTable {
  const directory = freshDirectory();
  const lines = sockets.map(
    ([inode, path]) => `0000000000000000: 00000002 00000000 00010000 0001 01 ${inode} ${path}`,
  );
  const socketTable = join(directory, "unix");
  writeFileSync(socketTable, `Num RefCount Protocol Flags Type St Inode Path\n${lines.join("\n")}\n`);
  for (const [pid, { inode, comm }] of Object.entries(processes)) {
    mkdirSync(join(directory, pid, "fd"), { recursive: true });
    symlinkSync("/dev/null", join(directory, pid, "fd", "0"));
    symlinkSync(`socket:[${inode}]`, join(directory, pid, "fd", "7"));
    if (comm !== undefined) writeFileSync(join(directory, pid, "comm"), comm);
  }
  return { socketTable, processes: directory, patienceMs: 10_000 };
}

describe("who holds an address", { skip }, () => {
  test("is named when a server is to be started there: a process of ours", async () => {
    const directory = freshDirectory();
    const { child } = await startServerProcess("my-app", { directory });
    const refused = (): Promise<SealpipeError> =>
      startServer("my-app", { directory }).then(
        () => assert.fail("it listens"),
        (error) => error,
      );
    let error = await refused();
    // A busy machine may take longer to look through its processes than a server waits for.
    for (let tries = 0; tries < 50 && !error.message.includes("process"); tries++) error = await refused();
    assert.equal(error.code, "ERR_ADDRESS_IN_USE");
    assert.match(error.message, new RegExp(`a server is alive there, the process ${child.pid} \\(`));
  });

  test("is named if it was bound at the address itself, as golang-ipc's servers are", async () => {
    const path = join(freshDirectory(), "bare.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    after(() => server.close());
    const patient = { ...linux, patienceMs: 10_000 };
    assert.match((await holderOf(path, patient)) as string, new RegExp(`^the process ${process.pid} \\(`));
  });

  test("is found by the staged path, if nothing else can be it", async () => {
    const staged = "/nowhere/.sp-aB3xYz/my-app.sp-aB3xYz";
    const one = tableOf([[11, staged]], { 4711: { inode: 11, comm: "node\n" }, 4712: { inode: 12 } });
    assert.equal(await holderOf("/nowhere/my-app.sock", one), "the process 4711 (node)");
    for (const other of ["/nowhere/my-ap.sock", "/nowhere/my-apple.sock", "/elsewhere/my-app.sock"])
      assert.equal(await holderOf(other, one), undefined, other);
    const two = tableOf(
      [
        [11, staged],
        [12, "/nowhere/.sp-111111/my-app.sp-111111"],
      ],
      { 4711: { inode: 11 }, 4712: { inode: 12 } },
    );
    assert.equal(await holderOf("/nowhere/my-app.sock", two), undefined);
  });

  test("is found though the staged path had no room for the name", async () => {
    const directory = `/${"d".repeat(70)}`;
    const staged = `${directory}/.sp-aB3xYz/${"n".repeat(12)}.sp-aB3xYz`;
    const table = tableOf([[11, staged]], { 4711: { inode: 11 } });
    assert.equal(await holderOf(`${directory}/${"n".repeat(20)}.sock`, table), "the process 4711");
    assert.equal(await holderOf(`${directory}/${"n".repeat(11)}m.sock`, table), undefined);
  });

  test("is not considered a server that is just starting", async () => {
    const directory = freshDirectory();
    const staging = join(directory, ".sp-aB3xYz");
    mkdirSync(staging);
    const staged = join(staging, "my-app.sp-aB3xYz");
    writeFileSync(staged, "");
    const table = tableOf([[11, staged]], { 4711: { inode: 11 } });
    assert.equal(await holderOf(join(directory, "my-app.sock"), table), undefined);
  });

  test("is shown as it may be shown, whatever the process calls itself", async () => {
    const table = tableOf([[11, "/a/b.sock"]], { 4711: { inode: 11, comm: "\u001b[2Jé\n" } });
    assert.equal(await holderOf("/a/b.sock", table), "the process 4711 (?[2J?)");
  });

  test("is not known, without an error, if the system does not tell or the search takes too long", async () => {
    const table = tableOf([[11, "/a/b.sock"]], { 4711: { inode: 11 } });
    assert.equal(await holderOf("/a/b.sock", { ...table, patienceMs: -1 }), undefined);
    assert.equal(await holderOf("/a/b.sock", { ...table, processes: "/nowhere" }), undefined);
    assert.equal(await holderOf("/a/b.sock", { ...table, socketTable: "/nowhere" }), undefined);
    assert.equal(
      await holderOf("/a/b.sock", { ...table, processes: join(table.processes, "4711") }),
      undefined,
    );
    assert.equal(await holderOf("/a/other.sock", table), undefined);
    assert.equal(await holderOf("/a/b.sock", tableOf([[11, "/a/b.sock"]], {})), undefined);
  });
});
