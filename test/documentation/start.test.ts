import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/start.md", root), "utf8");
const shown = [...page.matchAll(/^<!-- (examples\/\S+) -->\n```typescript\n([\s\S]*?)^```$/gm)];

describe("docs/start.md", () => {
  test("shows the three files of the example", () => {
    assert.deepEqual(
      shown.map(([, file]) => file),
      ["contract", "daemon", "app"].map((file) => `examples/notes/${file}.ts`),
    );
  });

  for (const [, file = "", code] of shown) {
    test(`shows ${file} as it is run by another test`, () => {
      assert.equal(code, readFileSync(new URL(file, root), "utf8"));
    });
  }
});
