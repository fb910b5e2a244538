import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

let lastName = 0;

/** A name that nothing else on this machine uses. The runner looks for files with this prefix that tests left behind. */
export function freshName(): string {
  lastName += 1;
  return `sealpipe-test-${process.pid}-${Date.now().toString(36)}-${lastName}`;
}

/** A directory of the test file's own, removed after its last test. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sealpipe-test-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
