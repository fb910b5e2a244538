import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Client, startClient } from "sealpipe";
import { Questions } from "sealpipe/questions";
import { lacksGo } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";
import { onWine } from "../support/platform.ts";
import { nextEvent } from "../support/waiting.ts";

// The Go half that examples/golang-ipc-questions has, on the real golang-ipc.

const root = new URL("../../../", import.meta.url);
const built = fileURLToPath(new URL("build/interop/", root));
const program = join(built, "questions-daemon");

/** A daemon, and what it says on its standard error, line by line. */
async function startDaemon(t: TestContext, name: string) {
  const daemon = spawn(program, [name], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(daemon, "exit");
  t.after(async () => {
    daemon.kill("SIGKILL");
    await exited;
    rmSync(`/tmp/${name}.sock`, { force: true });
  });
  const lines = createInterface({ input: daemon.stderr });
  const kill = async (): Promise<void> => {
    daemon.kill("SIGKILL");
    await exited;
  };
  return { lines, kill };
}

async function connect(t: TestContext, name: string): Promise<{ client: Client; questions: Questions }> {
  const client = await startClient(name, { retryDelayMs: 20, connectTimeoutMs: 20_000 });
  t.after(() => client.close());
  const questions = new Questions(client, {
    timeoutMs: 20_000,
    handler: (body) => (body === "who is there?" ? "the GUI" : null),
  });
  return { client, questions };
}

describe("questions to a daemon on golang-ipc", {
  timeout: 60_000,
  skip: lacksGo() || (onWine && "it is built for this platform"),
}, () => {
  before(() => {
    mkdirSync(built, { recursive: true });
    const fresh = `${program}.${process.pid}`;
    const cwd = fileURLToPath(new URL("examples/golang-ipc-questions/", root));
    execFileSync("go", ["vet", "./..."], { cwd, stdio: ["ignore", "ignore", "inherit"] });
    execFileSync("go", ["build", "-o", fresh, "."], { cwd, stdio: ["ignore", "ignore", "inherit"] });
    renameSync(fresh, program);
  });

  test("are answered, many at a time, and fail with its code", async (t) => {
    const name = freshName();
    await startDaemon(t, name);
    const { client, questions } = await connect(t, name);
    assert.equal(client.profile, "classic");
    assert.deepEqual(await Promise.all([1, 2.5, -0].map((number) => questions.ask(number))), [2, 5, 0]);
    await assert.rejects(questions.ask("five"), { name: "RemoteError", code: "NOT_A_NUMBER" });
    await client.write(1, "not even JSON");
    await client.write(2, '{"id":"of nobody","body":1}');
    assert.equal(await questions.ask(7), 14);
  });

  test("are asked by the daemon too", async (t) => {
    const name = freshName();
    const { lines } = await startDaemon(t, name);
    const greeted = nextEvent<[string]>(lines, "line");
    await connect(t, name);
    assert.match((await greeted)[0], /the GUI is there/);
  });

  test("that it has when it is killed are lost, and the next one is answered by the next daemon", async (t) => {
    const name = freshName();
    const first = await startDaemon(t, name);
    const { questions } = await connect(t, name);
    const lost = assert.rejects(questions.ask(-1), { code: "ERR_CONNECTION_LOST" });
    // Comes after it, and is answered.
    await questions.ask(1);
    await first.kill();
    await lost;
    const waits = questions.ask(21);
    await startDaemon(t, name);
    assert.equal(await waits, 42);
  });

  test("end with their time or their signal", async (t) => {
    const name = freshName();
    await startDaemon(t, name);
    const { questions } = await connect(t, name);
    await assert.rejects(questions.ask(-1, { timeoutMs: 20 }), { code: "ERR_REQUEST_TIMEOUT" });
    await assert.rejects(questions.ask(-1, { signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
    assert.equal(await questions.ask(1), 2);
  });
});

test("the page of recipes shows the example as it is", () => {
  const [, shown = "missing"] =
    /^```go\n([\s\S]*?)^```/m.exec(readFileSync(new URL("docs/recipes.md", root), "utf8")) ?? [];
  const source = readFileSync(new URL("examples/golang-ipc-questions/main.go", root), "utf8");
  assert.ok(source.includes(shown), shown);
});
