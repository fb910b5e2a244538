import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startServer } from "sealpipe";
import { lacksGo } from "../support/go-peer.ts";
import { startGoServer } from "../support/go-server.ts";
import { freshName } from "../support/names.ts";
import { runSealpipe } from "../support/sealpipe-program.ts";

describe("sealpipe ping", () => {
  test("says who the server is, and how long each answer took", async (t) => {
    const server = await startServer(freshName(), { application: "my-daemon", applicationVersion: "1.2" });
    t.after(() => server.close());
    const { exitCode, stderr, records } = await runSealpipe(["ping", server.name, "-n", "3", "-i", "1ms"]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const [connected, ...rest] = records;
    const { address, profile, encrypted, pid, application, applicationVersion } = connected ?? {};
    assert.deepEqual(
      { address, profile, encrypted, pid, application, applicationVersion },
      {
        address: server.address,
        profile: "native",
        encrypted: true,
        pid: process.pid,
        application: "my-daemon",
        applicationVersion: "1.2",
      },
    );
    const [one, two, three, summary] = rest;
    assert.deepEqual(
      [one, two, three].map((record) => [record?.["event"], record?.["number"]]),
      [
        ["answer", 1],
        ["answer", 2],
        ["answer", 3],
      ],
    );
    const times = [one, two, three].map((record) => record?.["ms"] as number);
    assert.deepEqual(
      [summary?.["count"], summary?.["minMs"], summary?.["maxMs"]],
      [3, Math.min(...times), Math.max(...times)],
    );
  });

  test("plots the times for people", async (t) => {
    const server = await startServer(freshName(), { application: "evil \u001b[2J daemon" });
    t.after(() => server.close());
    const { stdout } = await runSealpipe(["ping", server.name, "-n", "2", "-i", "1ms", "--no-json"]);
    assert.match(stdout, /: evil \\x1b\[2J daemon, pid \d+, sealpipe\/.*; native, encrypted; connected in /);
    assert.match(stdout, /^2 answers: min [\d.]+ .?s, median [\d.]+ .?s, 99 % /m);
    assert.match(stdout, /^ +[\d.]+ .?s +[12] █+$/m);
  });

  test("waits for a server that is not there yet", async (t) => {
    const name = freshName();
    const ran = runSealpipe(["ping", name, "--wait", "60s", "-n", "1", "--plain"]);
    const server = await startServer(name, { encryption: false });
    t.after(() => server.close());
    const { exitCode, records } = await ran;
    assert.deepEqual([exitCode, records[0]?.["encrypted"]], [0, false]);
  });

  test("leaves a golang-ipc server as it was", { skip: lacksGo() }, async (t) => {
    const { name } = await startGoServer(t);
    for (let round = 0; round < 2; round++) {
      const { exitCode, stderr, records } = await runSealpipe(["ping", name, "--wait", "60s"]);
      assert.equal(exitCode, 0, stderr);
      assert.deepEqual(
        [records.length, records[0]?.["profile"], records[0]?.["encrypted"]],
        [1, "classic", true],
      );
      assert.match(stderr, /golang-ipc's wire has no ping/);
    }
  });
});
