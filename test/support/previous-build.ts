import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export type Library = typeof import("sealpipe");

const root = fileURLToPath(new URL("../../..", import.meta.url));

function git(...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", ["-C", root, ...args], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** The last commit whose library is another than the one that is tested, or `undefined` without a history. */
export function previousCommit(): string | undefined {
  const changed = git("status", "--porcelain", "--", "src");
  if (changed === undefined) return undefined;
  return git("rev-parse", changed === "" ? "HEAD^" : "HEAD");
}

/** The library as it was at that commit, compiled once for each. */
export async function previousBuild(commit: string): Promise<Library> {
  const build = join(root, "build/previous", commit);
  if (!existsSync(build)) compile(commit, build);
  return (await import(pathToFileURL(join(build, "dist/index.js")).href)) as Library;
}

function compile(commit: string, build: string): void {
  // Not in its place until it is whole: two test runs may do this at the same time.
  const work = `${build}-${process.pid}`;
  mkdirSync(work, { recursive: true });
  const files = ["src", "package.json", "tsconfig.base.json", "tsconfig.build.json"];
  const archive = execFileSync("git", ["-C", root, "archive", commit, ...files], {
    maxBuffer: 100_000_000,
  });
  execFileSync("tar", ["-x", "-C", work], { input: archive });
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], { cwd: work });
  try {
    renameSync(work, build);
  } catch {
    rmSync(work, { recursive: true });
  }
}
