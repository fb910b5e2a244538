import assert from "node:assert/strict";
import { test } from "node:test";

test("every page of docs/ has its place in the site", async () => {
  // It throws for a page that has none.
  const { pages } = await import(new URL("../../../site/.vitepress/pages.js", import.meta.url).href);
  assert.ok(pages.size > 20);
});
