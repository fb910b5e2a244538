import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/security.md", root), "utf8");
const [, table = ""] = page.match(/<!-- promises -->\n([\s\S]*?)<!-- \/promises -->/) ?? [];

/** Each line of the table below its head: the promise, the test file, and the test's name or its beginning. */
const rows = table.trim().split("\n").slice(2);

describe("docs/security.md", () => {
  test("has a table of promises", () => {
    assert.ok(rows.length > 10);
  });

  for (const row of rows) {
    const [, promise = row, path = "", name = ""] = row.match(/^\| (.+) \| `([^`]+)`: (.+) \|$/) ?? [];
    test(`names a test that there is for: ${promise}`, () => {
      assert.ok(path !== "" && name !== "", "the line is: | promise | `file`: test |");
      assert.ok(existsSync(new URL(path, root)), path);
      const source = readFileSync(new URL(path, root), "utf8");
      const titles = [...source.matchAll(/\btest\(\s*(["`])([\s\S]*?)\1/g)].map(
        ([, , title]) => title as string,
      );
      // In a title that is put together the test's name stands between the parts.
      const found = titles.some((title) => title.replace(/\$\{[^}]*\}/g, "…").includes(name));
      assert.ok(found, `${path} has no test with "${name}"`);
    });
  }
});
