import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { until } from "./waiting.ts";

/**
 * Stops a process until it is let go, and waits for that: each of its threads goes on until the system has it stopped,
 * which takes as long as the machine is busy.
 */
export async function hold({ pid = 0 }: ChildProcess): Promise<void> {
  // Not `child.kill`: Deno's sends one signal and no second.
  process.kill(pid, "SIGSTOP");
  await until(() => statesOf(pid).every((state) => state === "T"));
}

export function letGo({ pid = 0 }: ChildProcess): void {
  process.kill(pid, "SIGCONT");
}

/** The system's letter for the state of each thread or, off Linux, of the process. */
function statesOf(pid: number): string[] {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads))
    return [execFileSync("ps", ["-o", "state=", "-p", `${pid}`], { encoding: "utf8" })[0] ?? ""];
  return readdirSync(threads).map((thread) => {
    // After the command's name, which is in brackets and may have any character in it.
    const [, state = ""] = readFileSync(`${threads}/${thread}/stat`, "utf8").match(/\) (\w)[^)]*$/) ?? [];
    return state;
  });
}
