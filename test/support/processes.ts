import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Only Linux shows processes as files. */
export const noProcesses = existsSync("/proc/self/stat") ? false : "this system has no /proc";

/** The children of this process, or of another, in whose command line there is `text`. */
export function childrenWith(text: string, parent = process.pid): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent && fileOf(pid, "cmdline").includes(text));
}

/** Whether it is there, and no zombie. */
export function isAlive(pid: number): boolean {
  const state = fileOf(pid, "stat").split(") ")[1];
  return state !== undefined && !state.startsWith("Z");
}

function parentOf(pid: number): number {
  return Number(fileOf(pid, "stat").split(") ")[1]?.split(" ")[1]);
}

function fileOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    // It has ended.
    return "";
  }
}
