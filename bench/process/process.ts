import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Answer, Command } from "./commands.ts";

/** What runs at one end: a peer's file with its options, or the Go program with its arguments. */
export type Program =
  | { readonly kind: "node"; readonly file: string; readonly options: Record<string, unknown> }
  | { readonly kind: "go"; readonly encryption: boolean };

/** Longer than anything takes that goes on at all. */
const commandLimitMs = 180_000;

export const goProgram = fileURLToPath(new URL("../build/golang-ipc", import.meta.url));
const role = fileURLToPath(new URL("role.ts", import.meta.url));

export function start(program: Program, forksClient: boolean): ChildProcess {
  const stdio = forksClient
    ? (["pipe", "pipe", "inherit", "pipe", "pipe"] as const)
    : (["pipe", "pipe", "inherit"] as const);
  if (program.kind === "go") return spawn(goProgram, [String(program.encryption)], { stdio: [...stdio] });
  const { file, options } = program;
  return spawn(process.execPath, ["--expose-gc", role, file, JSON.stringify(options)], { stdio: [...stdio] });
}

/** One process, as a place to send commands to. */
export class Remote {
  readonly #input: Writable;
  #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(input: Writable, output: Readable) {
    this.#input = input;
    input.on("error", (error) => this.fail(error));
    const lines = createInterface({ input: output });
    lines.on("line", (line) => this.#answered(JSON.parse(line)));
    lines.on("close", () => this.fail(new Error("the process has ended")));
  }

  ask(command: Command): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => this.fail(new Error(`${command.do} took too long`)), commandLimitMs);
      this.#settle = {
        resolve(answer) {
          clearTimeout(limit);
          resolve(answer);
        },
        reject(error) {
          clearTimeout(limit);
          reject(error);
        },
      };
      this.#input.write(`${JSON.stringify(command)}\n`);
    });
  }

  end(): void {
    this.#input.end();
  }

  /** What is asked, now and later, fails. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#settle?.reject(error);
    this.#settle = undefined;
    this.failed(error);
  }

  /** Told of a failure, so that who waits for the other process learns of it too. */
  failed: (error: Error) => void = () => {};

  #answered(answer: Answer): void {
    if (answer.error !== undefined) {
      this.fail(new Error(answer.error));
      return;
    }
    this.#settle?.resolve(answer);
    this.#settle = undefined;
  }
}
