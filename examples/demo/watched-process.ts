import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Order, Report } from "./orders.ts";

const patienceMs = 20_000;

/** One of the demo's processes: what it reports is printed, and can be waited for. */
export class WatchedProcess {
  readonly label: string;
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  #arrived: () => void = () => {};

  constructor(label: string, script: "server" | "client", name: string) {
    this.label = label;
    this.#child = fork(new URL(`./${script}.js`, import.meta.url), [name]);
    this.#child.on("message", (line) => {
      this.#reports.push(line as Report);
      console.log(`  ${label.padEnd(9)} ${describe(line as Report)}`);
      this.#arrived();
    });
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** The first report of that kind which is not taken yet; what came before it is dropped. */
  async until<K extends Report["kind"]>(
    kind: K,
    fits: (report: Extract<Report, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<Report, { kind: K }>> {
    const timeout = AbortSignal.timeout(patienceMs);
    for (;;) {
      for (let line = this.#reports.shift(); line !== undefined; line = this.#reports.shift()) {
        const candidate = line as Extract<Report, { kind: K }>;
        if (line.kind === kind && fits(candidate)) return candidate;
      }
      await this.#nextReport(timeout, kind);
    }
  }

  /** Ends it as a crash or `kill -9` does. */
  async kill(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
    console.log(`  ${this.label.padEnd(9)} killed with SIGKILL`);
  }

  /** Ends it in order. */
  async close(): Promise<void> {
    const exited = once(this.#child, "exit", { signal: AbortSignal.timeout(patienceMs) });
    this.order({ do: "close" });
    const [code] = await exited;
    if (code !== 0) throw new Error(`${this.label} ended with exit code ${code}`);
  }

  /** Ends it however it can, when the demo has failed. */
  abandon(): void {
    this.#child.kill("SIGKILL");
  }

  #nextReport(timeout: AbortSignal, kind: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`${this.label} did not report "${kind}" in time`));
      timeout.addEventListener("abort", late, { once: true });
      this.#arrived = () => {
        timeout.removeEventListener("abort", late);
        this.#arrived = () => {};
        resolve();
      };
    });
  }
}

function describe(report: Report): string {
  switch (report.kind) {
    case "status":
      return `status ${report.status}`;
    case "connected":
      return `connected, ${report.encrypted ? "encrypted" : "NOT ENCRYPTED"}`;
    case "left":
      return `a client has left, ${report.clients} still connected`;
    case "received":
      return `received ${report.member}: ${JSON.stringify(report.text)}`;
  }
}
