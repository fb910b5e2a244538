import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { goVersions, lacksGo } from "../support/go-peer.ts";

const root = new URL("../../../interop/go/", import.meta.url);
const modules = ["peer", "vectors", ...goVersions];

function go(module: string, command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: new URL(`${module}/`, root), encoding: "utf8" });
}

describe("the Go programs of interop/go", { skip: lacksGo() }, () => {
  for (const module of modules) {
    test(`${module} is formatted and passes go vet`, () => {
      assert.equal(go(module, "gofmt", "-l", "."), "");
      go(module, "go", "vet", "./...");
    });
  }

  test("spec/vectors is what the Go program makes, and Go opens every sealed frame of it", () => {
    assert.match(go("vectors", "go", "test", "-count=1", "./..."), /^ok /m);
  });

  test("the peer's own tests pass", () => {
    assert.match(go("peer", "go", "test", "-count=1", "./..."), /^ok /m);
  });

  test("the peers build for Windows", () => {
    for (const version of goVersions) {
      execFileSync("go", ["vet", "./..."], {
        cwd: new URL(`${version}/`, root),
        env: { ...process.env, GOOS: "windows", GOARCH: "amd64", CGO_ENABLED: "0" },
      });
    }
  });
});
