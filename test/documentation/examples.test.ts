import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freshName } from "../support/names.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const work = join(root, "build/documentation-examples");

interface Example {
  /** Where it stands: the page and its number there. */
  readonly title: string;
  readonly code: string;
}

const pages = [
  ...readdirSync(root).filter((file) => file.endsWith(".md")),
  ...readdirSync(join(root, "docs")).map((file) => join("docs", file)),
  ...readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((file) => join("src", file)),
].filter((file) => /\.(md|ts)$/.test(file));

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), "utf8");
  // In a docstring each line begins with a star.
  const plain = page.endsWith(".ts") ? text.replace(/^ *\* ?/gm, "") : text;
  return [...plain.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code], index) => ({
    title: `${page} ${index + 1}`,
    code: code as string,
  }));
}

const examples = pages.flatMap(examplesOf);

const readmeName = freshName();

/** The README's server and its client are two programs that need each other. */
const [serverExample, clientExample] = examplesOf("README.md") as [Example, Example];
const alone = examples.filter(({ code }) => code !== serverExample.code && code !== clientExample.code);

function fileOf({ title }: Example): string {
  return title.replace(/[^A-Za-z0-9]+/g, "-");
}

/** The example as a program with a name of its own, so that nothing else on the machine answers it. */
function writeProgram(example: Example, name: string): void {
  writeFileSync(join(work, `${fileOf(example)}.ts`), example.code.replaceAll("my-app", name));
}

/** What the comments behind its console.log calls say that it prints. */
function promisedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => line as string);
}

function run(example: Example): string[] {
  const program = join(work, "out", `${fileOf(example)}.js`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  return stdout === "" ? [] : stdout.trim().split("\n");
}

describe("the examples of the documentation", () => {
  before(() => {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    for (const example of alone) writeProgram(example, freshName());
    writeProgram(serverExample, readmeName);
    writeProgram(clientExample, readmeName);
    const config = {
      extends: relative(work, join(root, "tsconfig.base.json")),
      compilerOptions: {
        rootDir: ".",
        outDir: "out",
        noUnusedLocals: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: ["*.ts"],
    };
    writeFileSync(join(work, "tsconfig.json"), JSON.stringify(config));
    execFileSync("npx", ["tsc", "-p", work], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
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

  test("the README's server and client talk to each other as it says", async () => {
    const program = join(work, "out", `${fileOf(serverExample)}.js`);
    const server = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    assert.deepEqual(run(clientExample), promisedOutput(clientExample.code));
    assert.equal((await lines.next()).value, "client 1 is here");
    assert.equal((await lines.next()).value, "5 hello");
    const exited = once(server, "exit");
    server.kill("SIGKILL");
    await exited;
    rmSync(`/tmp/${readmeName}.sock`);
  });
});
