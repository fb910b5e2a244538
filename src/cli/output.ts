import type { Writable } from "node:stream";
import { printable } from "./printable.ts";

/** A record of the output: one line of JSON. Bytes are to be text by then. */
export type OutputRecord = Readonly<Record<string, unknown>>;

export interface OutputOptions {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable;
  /** Whether records are printed as JSON, one a line; otherwise as text for people. */
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Where a command's results go, to stdout, and its talk, to stderr. */
export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  get json(): boolean {
    return this.#options.json;
  }

  /** Characters in a line, for tables and plots. */
  get columns(): number {
    return this.#options.stdout.columns ?? 80;
  }

  /** A result: the record, or the same in words. Await it: whoever reads the output may be slow. */
  async record(record: OutputRecord, text: string): Promise<void> {
    await this.raw(`${this.json ? JSON.stringify(record) : printable(text)}\n`);
  }

  /** A result for people alone, such as a plot of the records before. */
  async text(text: string): Promise<void> {
    if (!this.json) await this.raw(`${printable(text)}\n`);
  }

  /** Bytes of a result, as they are. */
  async raw(data: string | Uint8Array): Promise<void> {
    const { stdout } = this.#options;
    if (stdout.destroyed || stdout.write(data) || stdout.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stdout.off("drain", done);
        stdout.off("close", done);
        stdout.off("error", done);
        resolve();
      };
      stdout.on("drain", done);
      stdout.on("close", done);
      stdout.on("error", done);
    });
  }

  /** What goes on, in words, on stderr. */
  say(text: string): void {
    if (!this.#options.quiet) this.#options.stderr.write(`${printable(text)}\n`);
  }

  /** Why the run fails: said also if it is to be quiet. */
  fail(text: string): void {
    this.#options.stderr.write(`${printable(text)}\n`);
  }
}
