import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { startClient } from "sealpipe";
import { contract, exportContract, method } from "sealpipe/contract";
import { freshServer } from "../support/endpoints.ts";
import { eventsUntil, lineWith, partsOf } from "../support/inspected.ts";
import { freshDirectory } from "../support/names.ts";
import { endOf, runSealpipe, startSealpipe } from "../support/sealpipe-program.ts";

/** What it says first, once clients can connect, and how it ends. */
async function inspecting(t: TestContext, ...args: readonly string[]) {
  const child = startSealpipe(["inspect", ...args]);
  const ended = endOf(child);
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const said = once(createInterface({ input: child.stderr }), "line");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  await said;
  const { url } = JSON.parse(line as string);
  return { child, ended, parts: partsOf({ url } as never) };
}

describe("sealpipe inspect", () => {
  test("shows what passes between a client and a server, each thing once, without data", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    const { child, ended, parts } = await inspecting(t, server.name);
    const client = await startClient(`${server.name}-tap`);
    assert.equal((await client.request(1, "secret")).text, "SECRET");
    await client.write(5, "secret");
    assert.equal((await server.read()).text, "secret");
    await client.close();
    const events = await eventsUntil(parts, (all) => all.some(({ kind }) => kind === "close"));
    const kinds = ["request", "answer", "message", "close"];
    assert.deepEqual(
      events
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ from, kind, type, bytes, text }) => [from, kind, type, bytes, text]),
      [
        ["client", "request", 1, 6, undefined],
        ["server", "answer", undefined, 6, undefined],
        ["client", "message", 5, 6, undefined],
        ["client", "close", undefined, undefined, undefined],
      ],
    );
    assert.equal(JSON.stringify(events).toLowerCase().includes("secret"), false);
    const { title, allowSend } = await lineWith(parts, "hello");
    assert.deepEqual([title, allowSend], [server.name, false]);
    child.kill("SIGINT");
    assert.equal((await ended).exitCode, 130);
  });

  test("shows data and the names of a contract, if that is asked for", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => text);
    const file = join(freshDirectory(), "contract.json");
    writeFileSync(file, JSON.stringify(exportContract(contract("notes", { open: method(1) }))));
    const { parts } = await inspecting(t, server.name, "--data", "--contract", file);
    const client = await startClient(`${server.name}-tap`);
    await client.request(1, '"a.txt"');
    await client.close();
    const events = await eventsUntil(parts, (all) => all.some(({ kind }) => kind === "answer"));
    const request = events.find(({ kind }) => kind === "request");
    assert.deepEqual([request?.["name"], request?.["text"]], ["notes.open", '"a.txt"']);
    assert.equal(events.find(({ kind }) => kind === "answer")?.["text"], '"a.txt"');
  });

  test("begins nothing with options that are wrong", async () => {
    const file = join(freshDirectory(), "contract.json");
    writeFileSync(file, "{}");
    for (const [args, exitCodes] of [
      [["my-app", "--as", "my-app"], [2]],
      [["my-app", "--profile", "modern"], [2]],
      [["my-app", "--contract", file], [2]],
      [
        ["my-app", "--contract", "/nowhere.json"],
        [1, 2],
      ],
    ] as const) {
      const { exitCode, stdout } = await runSealpipe(["inspect", ...args]);
      assert.ok((exitCodes as readonly unknown[]).includes(exitCode), `${args}: ${exitCode}`);
      assert.equal(stdout, "");
    }
  });
});
