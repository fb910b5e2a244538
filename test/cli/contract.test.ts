import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { exportContract } from "sealpipe/contract";
import { generate } from "#dist/generate/index.js";
import { everything } from "../support/everything.ts";
import { exported } from "../support/generated-programs.ts";
import { freshDirectory } from "../support/names.ts";
import { runSealpipe } from "../support/sealpipe-program.ts";

const module = fileURLToPath(new URL("../support/everything.js", import.meta.url));

function file(name: string, content: unknown): string {
  const path = join(freshDirectory(), name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const contractOf = (input: unknown, more: object = {}) => ({
  sealpipe: "contract/1",
  name: "files",
  version: "1",
  codec: "json",
  members: { open: { kind: "method", number: 1, input }, ...more },
});

const sources = new URL("../../../dist/contract/index.js", import.meta.url).href;
const two = `import { contract, method } from ${JSON.stringify(sources)};
export const one = contract("one", { a: method(1) });
export default { other: contract("two", { b: method(1) }) };`;

describe("sealpipe contract export", () => {
  test("prints the contract that a module exports, as JSON", async () => {
    const { exitCode, stdout, stderr } = await runSealpipe(["contract", "export", module]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(exportContract(everything))));
  });

  test("wants one of several to be chosen, and finds it also in what is exported by default", async () => {
    const path = file("two.mjs", two);
    const several = await runSealpipe(["contract", "export", path]);
    assert.equal(several.exitCode, 2);
    assert.match(
      several.stderr,
      /several contracts, of which --contract chooses one: "two", "one"|"one", "two"/,
    );
    const chosen = await runSealpipe(["contract", "export", path, "--contract", "two"]);
    assert.equal(JSON.parse(chosen.stdout).name, "two");
    const none = await runSealpipe(["contract", "export", path, "--contract", "three"]);
    assert.match(none.stderr, /has no contract "three"; there are /);
  });

  test("says what is wrong with a file", async () => {
    const cases: [string, RegExp][] = [
      [file("empty.mjs", ""), /exports no contract/],
      [file("no.json", "{"), /no\.json: .*JSON/],
      [file("other.json", {}), /other\.json: it is no description of a contract/],
      [join(freshDirectory(), "missing.json"), /ENOENT/],
      [join(freshDirectory(), "missing.mjs"), /Cannot find module/],
    ];
    for (const [path, message] of cases) {
      const { exitCode, stdout, stderr } = await runSealpipe(["contract", "export", path]);
      assert.notEqual(exitCode, 0);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /^ +at /m);
    }
  });
});

describe("sealpipe contract check", () => {
  const text = { type: "string" };
  const older = () => file("older.json", contractOf({ type: "object", properties: { a: text } }));
  const further = { kind: "method", number: 2 };

  test("names compatible changes, and succeeds", async () => {
    const newer = file(
      "newer.json",
      contractOf({ type: "object", properties: { a: text } }, { close: further }),
    );
    const { exitCode, records } = await runSealpipe(["contract", "check", older(), newer, "--json"]);
    assert.deepEqual(records, [{ breaking: false, member: "close", what: "is new", breaks: [] }]);
    assert.equal(exitCode, 0);
  });

  test("names breaking changes and whom they break, and fails", async () => {
    const newer = file(
      "newer.json",
      contractOf({ type: "object", properties: { a: text }, required: ["a"] }),
    );
    const { exitCode, stdout } = await runSealpipe(["contract", "check", "--no-json", older(), newer]);
    assert.equal(stdout, "breaking    open: input: a may be missing (older-callers)\n");
    assert.equal(exitCode, 1);
  });

  test("counts only what breaks the callers that are asked for", async () => {
    const newer = file(
      "newer.json",
      contractOf({ type: "object", properties: { a: text }, required: ["a"] }),
    );
    const run = async (who: string) => runSealpipe(["contract", "check", "--for", who, older(), newer]);
    const [olders, newers, nobodys] = await Promise.all(["older-callers", "newer-callers", "all"].map(run));
    assert.deepEqual([olders?.exitCode, newers?.exitCode, nobodys?.exitCode], [1, 0, 2]);
    assert.deepEqual(
      newers?.records.map(({ breaking }) => breaking),
      [false],
    );
  });

  test("says so if there are none, of a module beside its own JSON", async () => {
    const { exitCode, stdout, stderr } = await runSealpipe([
      "contract",
      "check",
      file("own.json", exported()),
      module,
    ]);
    assert.deepEqual([exitCode, stdout, stderr], [0, "", "no changes\n"]);
  });
});

describe("sealpipe contract generate", () => {
  const path = () => file("everything.json", exported());

  for (const language of ["go", "python", "typescript"] as const) {
    test(`writes ${language}`, async () => {
      const { exitCode, stdout, stderr } = await runSealpipe([
        "contract",
        "generate",
        `--${language}`,
        path(),
      ]);
      assert.deepEqual([exitCode, stderr], [0, ""]);
      assert.equal(stdout, generate(exported(), language));
    });
  }

  test("wants one language, and --package for Go alone", async () => {
    for (const options of [[], ["--go", "--python"], ["--python", "--package", "x"]]) {
      const { exitCode, stdout } = await runSealpipe(["contract", "generate", ...options, path()]);
      assert.deepEqual([exitCode, stdout], [2, ""]);
    }
    const { stdout } = await runSealpipe(["contract", "generate", "--go", "--package", "daemon", path()]);
    assert.match(stdout, /^package daemon$/m);
  });

  test("says what has no type, and where, with the code", async () => {
    const union = file("union.json", contractOf({ type: ["string", "number"] }));
    const { exitCode, stdout, stderr } = await runSealpipe(["contract", "generate", "--go", union]);
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /open\.input: Go has no type for alternatives .* \(ERR_NOT_EXPRESSIBLE\)/);
  });
});
