import { readFileSync } from "node:fs";

/** A process that is known by its number and the time of its start: a number alone may be another process's later. Linux. */
export class ProvenProcess {
  readonly #pid: number;
  readonly #since: string;
  /** Whether it leads a process group. */
  readonly #leads: boolean;

  private constructor(pid: number, { since, group }: ProcessStatus) {
    this.#pid = pid;
    this.#since = since;
    this.#leads = group === pid;
  }

  /** `undefined` for this process itself, and if there is none. */
  static of(pid: number): ProvenProcess | undefined {
    const status = pid === process.pid ? undefined : statusOf(pid);
    return status && new ProvenProcess(pid, status);
  }

  get isThere(): boolean {
    return statusOf(this.#pid)?.since === this.#since;
  }

  /** Sends the signal to it, and to its group if it leads one. */
  signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (!this.isThere) return;
    try {
      process.kill(this.#leads ? -this.#pid : this.#pid, signal);
    } catch {
      // It has just ended, or is another user's.
    }
  }
}

interface ProcessStatus {
  readonly since: string;
  readonly group: number;
}

/** `undefined` if it has ended, also if its parent has not waited for it yet. */
function statusOf(pid: number): ProcessStatus | undefined {
  try {
    // The name may have spaces and brackets in it.
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, , group, ...rest] = text.slice(text.lastIndexOf(") ") + 2).split(" ");
    if (state === "Z" || state === "X") return undefined;
    return { group: Number(group), since: rest[16] ?? "" };
  } catch {
    return undefined;
  }
}
