import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const patienceMs = 60_000;

// So that a test that fails half-way leaves nothing behind either.
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The output of a process: one JSON object a line. */
export type Line = Record<string, unknown>;

/** A process that talks in lines of JSON on its standard input and output. */
export class LinesProcess {
  readonly child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #waiting = new Set<() => void>();
  #stderr = "";
  #ended = false;

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.#lines.push(JSON.parse(line));
      this.#wake();
    });
    this.child.stderr?.on("data", (chunk) => {
      this.#stderr += chunk;
    });
    // A process that is gone accepts no more commands; pending waits for its answers are rejected.
    this.child.stdin?.on("error", () => {});
    running.add(this.child);
    this.child.on("close", () => {
      this.#ended = true;
      running.delete(this.child);
      this.#wake();
    });
  }

  /** What it has written to its standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  command(line: Line): void {
    this.child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** The first line that fits; lines before it are dropped. */
  async until(fits: (line: Line) => boolean): Promise<Line> {
    const timeout = AbortSignal.timeout(patienceMs);
    const seen: Line[] = [];
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (fits(line)) return line;
        seen.push(line);
      }
      if (this.#ended || timeout.aborted) {
        const why = this.#ended ? "ended" : "said nothing that fits in time";
        throw new Error(`the process ${why} after ${JSON.stringify(seen.slice(-5))}\n${this.#stderr}`);
      }
      await this.#nextLine(timeout);
    }
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  #nextLine(timeout: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const woken = (): void => {
        timeout.removeEventListener("abort", woken);
        this.#waiting.delete(woken);
        resolve();
      };
      timeout.addEventListener("abort", woken);
      this.#waiting.add(woken);
    });
  }

  #wake(): void {
    for (const woken of [...this.#waiting]) woken();
  }
}
