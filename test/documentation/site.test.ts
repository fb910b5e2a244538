import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../../", import.meta.url);
const json = (file: string) => JSON.parse(readFileSync(new URL(file, root), "utf8"));

test("every page of docs/ has its place in the site", async () => {
  // It throws for a page that has none.
  const { pages } = await import(new URL("site/.vitepress/pages.js", root).href);
  assert.ok(pages.size > 20);
});

test("the site's reference has every entry of the package", () => {
  const entries = Object.keys(json("package.json").exports)
    .filter((entry) => entry !== "./package.json")
    .map((entry) => entry.replace(/^\.\/?/, ""));
  const files: string[] = json("site/typedoc.json").entryPoints;
  for (const entry of entries) {
    const sources = [`../src/${entry}.ts`, `../src/${entry === "" ? "" : `${entry}/`}index.ts`];
    assert.ok(
      files.some((file) => sources.includes(file)),
      `sealpipe/${entry}`,
    );
  }
  assert.equal(files.length, entries.length);
});
