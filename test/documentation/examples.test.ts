import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { before, describe, test } from "node:test";
import {
  clientExample,
  type Example,
  ExamplePrograms,
  examples,
  serverExample,
} from "../support/documentation-examples.ts";
import { freshName } from "../support/names.ts";

const pairName = freshName();
const isOfPair = ({ code }: Example) => code === serverExample.code || code === clientExample.code;
const alone = examples.filter((example) => !isOfPair(example));
let programs: ExamplePrograms;

/** What the comments behind its console.log calls say that it prints. */
function promisedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => line as string);
}

function run(example: Example): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [programs.pathOf(example)], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  return stdout === "" ? [] : stdout.trim().split("\n");
}

describe("the examples of the documentation", () => {
  before(() => {
    const nameOf = (example: Example) => (isOfPair(example) ? pairName : freshName());
    programs = new ExamplePrograms("documentation-examples", nameOf, examples);
  });

  test("there are examples for the calls that users begin with", () => {
    const code = examples.map((example) => example.code).join("\n");
    for (const call of ["startServer(", "startClient(", ".write(", ".read(", ".broadcast(", "for await"]) {
      assert.ok(code.includes(call), call);
    }
  });

  for (const example of alone) {
    test(`${example.title} runs and prints what it says`, () => {
      assert.deepEqual(run(example), promisedOutput(example.code));
    });
  }

  test("the first server and its client of docs/messages.md talk to each other as it says", async () => {
    const server = spawn(process.execPath, [programs.pathOf(serverExample)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    assert.deepEqual(run(clientExample), promisedOutput(clientExample.code));
    assert.equal((await lines.next()).value, "client 1 is here");
    assert.equal((await lines.next()).value, "5 hello");
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
    rmSync(`/tmp/${pairName}.sock`);
  });
});
