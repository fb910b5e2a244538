import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { AddressWatch } from "#dist/transport/address-watch.js";
import { freshDirectory } from "../support/names.ts";
import { noUnixSockets } from "../support/platform.ts";
import { turns, until } from "../support/waiting.ts";

function watchIn(directory: string): { readonly watch: AddressWatch; changes: number } {
  const watched = {
    changes: 0,
    watch: new AddressWatch({ kind: "unix-socket", path: join(directory, "app.sock") }, () => {
      watched.changes += 1;
    }),
  };
  return watched;
}

describe("a watch of an address", { timeout: 60_000, skip: noUnixSockets }, () => {
  test("reports what comes there and goes", async () => {
    const directory = freshDirectory();
    const watched = watchIn(directory);
    writeFileSync(join(directory, "beside"), "");
    renameSync(join(directory, "beside"), join(directory, "app.sock"));
    await until(() => watched.changes > 0);
    const before = watched.changes;
    rmSync(join(directory, "app.sock"));
    await until(() => watched.changes > before);
    watched.watch.close();
  });

  test("reports nothing of its neighbours, and nothing once it is closed", async () => {
    const directory = freshDirectory();
    const watched = watchIn(directory);
    writeFileSync(join(directory, "other.sock"), "");
    await turns(50);
    assert.equal(watched.changes, 0);
    assert.equal(watched.watch.isOpen, true);
    watched.watch.close();
    writeFileSync(join(directory, "app.sock"), "");
    await turns(50);
    assert.equal(watched.changes, 0);
    watched.watch.close();
  });

  test("is not open if the directory does not exist", () => {
    const { watch } = watchIn(join(freshDirectory(), "missing"));
    assert.equal(watch.isOpen, false);
    watch.close();
  });

  test("is not open any more once the directory is gone", async () => {
    const directory = join(freshDirectory(), "short-lived");
    mkdirSync(directory);
    const { watch } = watchIn(directory);
    assert.equal(watch.isOpen, true);
    rmSync(directory, { recursive: true });
    await until(() => !watch.isOpen);
  });
});
