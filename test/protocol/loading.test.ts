import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";

const protocol = new URL("../../../dist/protocol/", import.meta.url);
const files = readdirSync(protocol, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".js"),
);

describe("the protocol", () => {
  for (const file of files) {
    test(`can be loaded by its parts, and ${file} leaves the surroundings as they were`, async () => {
      const before = Reflect.ownKeys(globalThis);
      await import(new URL(file, protocol).href);
      assert.deepEqual(Reflect.ownKeys(globalThis), before);
    });
  }
});
