import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type Sidecar, type SpawnOptions, spawnSidecar } from "sealpipe/sidecar";
import { startChild } from "./children.ts";
import type { LinesProcess } from "./lines-process.ts";
import { namePrefix } from "./names.ts";
import { onWindows } from "./platform.ts";
import { thorough } from "./thorough.ts";
import { until } from "./waiting.ts";

/** Far more than a process takes to start on a busy machine. */
const readyTimeoutMs = 60_000;

/** How often each of the tests that kill goes round. */
export const rounds = thorough ? 50 : 3;

/** The same for those of which one round has to do from day to day. */
export const fewRounds = thorough ? 50 : 1;

/** A test, or one round of it. */
export interface Hooks {
  after(act: () => unknown): void;
}

/** Goes round that often, cleans up after each round, and says so. */
export async function goRound(
  t: TestContext,
  count: number,
  round: (hooks: Hooks) => Promise<void>,
): Promise<void> {
  for (let done = 0; done < count; done++) {
    const hooks: (() => unknown)[] = [];
    try {
      await round({ after: (act) => hooks.push(act) });
    } finally {
      for (const act of hooks) await act();
    }
  }
  t.diagnostic(`${count} rounds, nothing was left`);
}

const child = fileURLToPath(new URL("./children/sidecar-child.js", import.meta.url));

/** Where a sidecar writes its process id as it starts. */
export function freshPidFile(t: Hooks): string {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-sidecar-`));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "pid");
}

/** The sidecar of the tests as a command for Node, or by way of a launcher. */
export function commandOf(pidFile: string, how = "", launcher?: "shell"): readonly [string, ...string[]] {
  if (launcher === undefined) return [process.execPath, child, pidFile, how];
  if (onWindows) return ["cmd", "/d", "/c", process.execPath, child, pidFile, how];
  // With something after it, so that the shell does not become the program.
  return ["sh", "-c", `"${process.execPath}" "${child}" "${pidFile}" "${how}"; exit $?`];
}

export async function startSidecar(
  t: Hooks,
  { how = "", launcher, ...options }: SpawnOptions & { how?: string; launcher?: "shell" } = {},
): Promise<Sidecar> {
  let sidecar: Sidecar | undefined;
  // Before the directory goes in which it writes why it ends.
  t.after(() => sidecar?.stop());
  const [command, ...args] = commandOf(freshPidFile(t), how, launcher);
  sidecar = await spawnSidecar(command, args, { readyTimeoutMs, restartDelayMs: 5, ...options });
  return sidecar;
}

/** A process that is the parent of one. */
export function startParent(
  command: readonly string[],
  { question = "pid", options = {} }: { question?: string; options?: object } = {},
): LinesProcess {
  return startChild("sidecar-parent", JSON.stringify({ readyTimeoutMs, ...options }), question, ...command);
}

/** Kills the parent of a sidecar, and waits until nothing of that is left. */
export async function killsParent(
  command: readonly string[],
  { question, options = {} }: { question: string; options?: SpawnOptions },
): Promise<void> {
  const parent = startParent(command, { question, options });
  const { pids, answer, address } = await parent.until(({ event }) => event === "ready");
  const processes = [...(pids as number[]), ...(question === "grandchild" ? [Number(answer)] : [])];
  for (const pid of processes) assert.ok(isThere(pid), `${pid} runs`);
  assert.ok(onWindows || existsSync(address as string));
  parent.child.kill("SIGKILL");
  await once(parent.child, "close");
  await until(() => !processes.some(isThere));
  if (!onWindows) await until(() => !existsSync(dirname(address as string)));
}

/** The same for a sidecar that has just been started. */
export async function killsParentWhileItStarts(command: readonly string[], pidFile: string): Promise<void> {
  const parent = startParent(command);
  const pid = await pidIn(pidFile);
  parent.child.kill("SIGKILL");
  await once(parent.child, "close");
  await until(() => !isThere(pid));
}

/** What has ended and only waits for its parent to ask is not there any more, unless that parent is this process. */
export const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    // After the name in parentheses, which may have any characters.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return state !== "Z" || Number(parent) === process.pid;
  } catch {
    return false;
  }
};

export async function pidIn(file: string): Promise<number> {
  await until(() => existsSync(file) && readFileSync(file, "utf8") !== "");
  return Number(readFileSync(file, "utf8"));
}
