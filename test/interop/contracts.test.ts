import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import {
  buildGo,
  buildGolangIpc,
  buildPython,
  buildTypescript,
  exported,
  type GeneratedProgram,
} from "../support/generated-programs.ts";
import { expectedSteps } from "../support/generated-steps.ts";
import { lacksGo } from "../support/go-peer.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import { lacksPython } from "../support/python-starter.ts";

const languages = {
  TypeScript: { build: buildTypescript, lacks: (): string | false => false },
  Go: { build: buildGo, lacks: lacksGo },
  Python: { build: buildPython, lacks: lacksPython },
} as const;

/** Speaks golang-ipc's wire, which has events alone. */
const golangIpc = { build: buildGolangIpc, lacks: lacksGo };
const all = { ...languages, "golang-ipc": golangIpc } as const;

type Name = keyof typeof all;
const names = Object.keys(languages) as (keyof typeof languages)[];
const programs = new Map<Name, GeneratedProgram>();

/** Built once. */
function programIn(language: Name): GeneratedProgram {
  const program = programs.get(language) ?? all[language].build();
  programs.set(language, program);
  return program;
}

function start(language: Name, role: "server" | "client", name: string): LinesProcess {
  const { command, args, env } = programIn(language);
  return new LinesProcess(command, [...args, role, name], { env });
}

/** What a client says of each step until it ends. */
async function resultsOf(calling: LinesProcess, count: number): Promise<Record<string, unknown>> {
  const ended = once(calling.child, "close");
  const results: Record<string, unknown> = {};
  while (Object.keys(results).length < count) {
    const { step, result } = await calling.until((line) => "step" in line);
    results[String(step)] = result;
  }
  assert.deepEqual(await ended, [0, null], calling.stderr);
  return results;
}

/** In order, so that it leaves no socket. */
async function stop(serving: LinesProcess): Promise<void> {
  const closed = once(serving.child, "close");
  serving.child.stdin?.end();
  assert.deepEqual(await closed, [0, null], serving.stderr);
}

const notThere = process.platform === "win32" && "there are no compilers on this system";

describe("a contract with everything, in code that was generated from its JSON", { skip: notThere }, () => {
  test("is described by the file that the tests in other languages read", () => {
    const file = new URL("../../../interop/contracts/everything.json", import.meta.url);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), exported());
  });

  for (const language of names) {
    test(`compiles in ${language}, and passes its own checks`, { skip: languages[language].lacks() }, () => {
      assert.ok(programIn(language).command.length > 0);
    });
  }

  for (const client of names) {
    for (const server of names) {
      const skip = languages[client].lacks() || languages[server].lacks();
      test(`a client in ${client} and a server in ${server}`, { skip }, async (t) => {
        const name = freshName();
        const serving = start(server, "server", name);
        t.after(() => serving.kill());
        await serving.until((line) => line["listens"] === true);
        const calling = start(client, "client", name);
        t.after(() => calling.kill());
        const results = await resultsOf(calling, expectedSteps.size);
        for (const [step, expected] of expectedSteps) assert.deepEqual(results[step], expected, step);
        await stop(serving);
      });
    }
  }

  for (const server of names) {
    const skip = golangIpc.lacks() || languages[server].lacks();
    test(`events of a program on golang-ipc and a server in ${server}`, { skip }, async (t) => {
      const name = freshName();
      const serving = start(server, "server", name);
      t.after(() => serving.kill());
      await serving.until((line) => line["listens"] === true);
      const calling = start("golang-ipc", "client", name);
      t.after(() => calling.kill());
      assert.deepEqual(await resultsOf(calling, 1), { events: expectedSteps.get("events") });
      await stop(serving);
    });
  }

  after(() => {
    for (const program of programs.values()) program.remove();
  });
});
