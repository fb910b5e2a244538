import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { errorCodes } from "#dist/errors.js";

const root = new URL("../../../", import.meta.url);
const codes = Object.keys(errorCodes);

/** The source, without the table of codes itself. */
function sourceText(): string {
  const source = new URL("src/", root);
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== "errors.ts")
    .map((file) => readFileSync(new URL(file, source), "utf8"))
    .join("\n");
}

describe("docs/errors.md", () => {
  const page = readFileSync(new URL("docs/errors.md", root), "utf8");
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section): [string, string] => {
        const end = section.indexOf("\n");
        return [section.slice(0, end).trim(), section.slice(end).trim()];
      }),
  );

  for (const code of codes) {
    test(`says what ${code} means and what to do about it`, () => {
      const text = sections.get(`\`${code}\``);
      assert.ok(text !== undefined, `there is a heading "## \`${code}\`"`);
      assert.ok(text.length > 0, "there is text under it");
    });
  }

  test("has no heading for a code that there is not", () => {
    const headings = [...sections.keys()].flatMap((heading) => heading.match(/ERR_\w+/g) ?? []);
    assert.deepEqual(
      headings.filter((code) => !codes.includes(code)),
      [],
    );
  });
});

test("each code of the table is given somewhere in the source", () => {
  const text = sourceText();
  assert.deepEqual(
    codes.filter((code) => !text.includes(`"${code}"`)),
    [],
  );
});
