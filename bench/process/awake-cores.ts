import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism, constants, setPriority } from "node:os";

const spin = "const parent = process.ppid; while (process.ppid === parent);";

/**
 * Keeps the processor's cores from falling asleep, by processes of the lowest priority that do nothing without end. Between
 * the messages of a round trip there is nothing to do, and to wake a core can take longer than all else, or nothing, as
 * the system happens to place the processes.
 */
export class AwakeCores implements Disposable {
  readonly #processes: readonly ChildProcess[];

  constructor() {
    this.#processes = Array.from({ length: availableParallelism() }, () => {
      const child = spawn(process.execPath, ["--eval", spin], { stdio: "ignore" });
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
      return child;
    });
  }

  [Symbol.dispose](): void {
    for (const child of this.#processes) child.kill("SIGKILL");
  }
}
