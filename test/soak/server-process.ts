import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { exitOf, isEvent } from "../support/children.ts";
import { LinesProcess } from "../support/lines-process.ts";
import type { Figures } from "./figures.ts";

/** What the soak's server tells of itself. */
export interface Report {
  readonly figures: Figures;
  /** Open now. */
  readonly connections: number;
  /** That were ever open. */
  readonly clients: number;
  readonly messages: { readonly all: number; readonly certain: number };
  /** How often each code came as an `error` event. */
  readonly errors: Readonly<Record<string, number>>;
}

const program = fileURLToPath(new URL("./server.js", import.meta.url));
export class ServerProcess {
  readonly #process: LinesProcess;

  private constructor(process: LinesProcess) {
    this.#process = process;
  }

  static async start(directory: string): Promise<ServerProcess> {
    const args = ["--expose-gc", program, directory];
    const server = new ServerProcess(new LinesProcess(process.execPath, args));
    await server.#process.until(isEvent("listening"));
    return server;
  }

  /** One at a time. */
  async report({ collect = false } = {}): Promise<Report> {
    this.#process.command({ ask: "figures", collect });
    return (await this.#process.until(isEvent("figures"))) as unknown as Report;
  }

  /** Its exit code, once it has closed its servers and ended by itself. */
  async close(): Promise<number | null> {
    this.#process.command({ ask: "close" });
    await this.#process.until(isEvent("closed"));
    this.#process.child.stdin?.end();
    return exitOf(this.#process);
  }

  async kill(): Promise<void> {
    const { child } = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    await this.#process.kill();
    await closed;
  }
}
