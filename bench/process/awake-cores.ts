import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

const spin = "const parent = process.ppid; while (process.ppid === parent);";

/**
 * Keeps the processor's cores from falling asleep, by processes of the lowest priority that do nothing without end, one on
 * each core: left to the system, two of them may share one. Between the messages of a round trip there is nothing to do,
 * and to wake a core can take longer than all else, or nothing, as the system happens to place the processes.
 *
 * Platform: elsewhere than on Linux the cores are left as they are.
 */
export class AwakeCores implements Disposable {
  readonly #processes: readonly ChildProcess[];

  constructor() {
    this.#processes = ourCores().map((core) => {
      const child = spawn("taskset", ["--cpu-list", String(core), process.execPath, "--eval", spin], {
        stdio: "ignore",
      });
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
      return child;
    });
  }

  [Symbol.dispose](): void {
    for (const child of this.#processes) child.kill("SIGKILL");
  }
}

/** The numbers of those that we may run on. */
function ourCores(): number[] {
  if (process.platform !== "linux") return [];
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: (last as number) - first + 1 }, (_, index) => first + index);
  });
}
