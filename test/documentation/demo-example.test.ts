import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { exportContract } from "sealpipe/contract";
import { generate } from "#dist/generate/index.js";
import { demo } from "../../examples/demo/contract.ts";

const read = (file: string) =>
  readFileSync(new URL(`../../../examples/demo/${file}`, import.meta.url), "utf8");

describe("the demo", () => {
  test("has its contract as `sealpipe contract export` writes it", () => {
    assert.equal(read("contract.json"), `${JSON.stringify(exportContract(demo), undefined, 2)}\n`);
  });

  test("has Go's code as `sealpipe contract generate --go --package demo` writes it", () => {
    const description = JSON.parse(read("contract.json"));
    assert.equal(read("go/demo/demo.go"), generate(description, "go", { packageName: "demo" }));
  });
});
