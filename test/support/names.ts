import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** The runner looks for files with this prefix of its run that tests left behind. */
export const namePrefix = `sealpipe-test-${(process.env["SEALPIPE_TEST_RUN"] ?? "").slice(0, 8)}`;
let lastName = 0;

/** A name that nothing else on this machine uses. */
export function freshName(): string {
  lastName += 1;
  return `${namePrefix}-${process.pid}-${lastName}`;
}

/** A directory of the test file's own, removed after its last test. */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-`));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A directory with that mode, in a fresh one that every user can enter. */
export function directoryWith(mode: number): string {
  const above = freshDirectory();
  chmodSync(above, 0o755);
  const path = join(above, "tmp");
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}
