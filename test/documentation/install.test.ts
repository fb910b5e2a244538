import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folders = ["docs", "spec", "go", "python", "examples", "bench", "interop"];

/** Every page of the project, without those of packages. */
const pages = [
  ...readdirSync(root),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  ),
].filter((file) => file.endsWith(".md") && !/node_modules|\.venv|(^|\/)build\//.test(file));

/** A command that would fetch whatever somebody has registered by the name. A path, or a tarball, is none. */
const byName =
  /\b(?:(?:npm|pnpm|yarn|bun|uv|poetry|cargo)\s+(?:i|install|add)|pipx?3?\s+install|uv\s+pip\s+install|go\s+(?:get|install)|deno\s+add)\s+(?:-\S+\s+)*["']?(?:npm:)?sealpipe(?!-\d)/;

describe("how to install", () => {
  test("is looked for in all pages", () => {
    for (const page of ["README.md", "docs/start.md", "python/README.md", "go/README.md"])
      assert.ok(pages.includes(page), page);
  });

  test("is recognised if it goes by the name alone", () => {
    for (const command of [
      "npm install sealpipe",
      "npm i --save-exact sealpipe@0.1.0",
      "pip install sealpipe",
      "pip3 install -U 'sealpipe[dev]'",
      "go get sealpipe/ipc",
      "deno add npm:sealpipe",
    ])
      assert.match(command, byName);
    for (const command of [
      "npm install ../sealpipe/sealpipe-0.1.0.tgz zod",
      "pip install ../sealpipe/python",
    ])
      assert.doesNotMatch(command, byName);
  });

  for (const page of pages) {
    test(`is by no registry's name in ${page}, as the package is in none`, () => {
      assert.doesNotMatch(readFileSync(join(root, page), "utf8"), byName);
    });
  }
});
