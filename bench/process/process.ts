import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { natsServerProgram } from "../peers/nats-server.ts";
import type { Answer, Command } from "./commands.ts";

/** What runs at one end: a peer's file with its options, or the program in Go or in Python with a peer of its own. */
export type Program =
  | { readonly kind: "node"; readonly file: string; readonly options: Record<string, unknown> }
  | { readonly kind: "go"; readonly peer: GoPeer; readonly encryption: boolean }
  | { readonly kind: "python"; readonly peer: PythonPeer; readonly options: Record<string, unknown> };

/** The peers of bench/go. */
export type GoPeer = "golang-ipc" | "sealpipe" | "sealpipe-released" | "grpc" | "raw";
/** The peers of bench/python. */
export type PythonPeer = "sealpipe" | "sealpipe-asyncio" | "websockets" | "multiprocessing";

/** Longer than anything takes that works at all. */
const commandLimitMs = 180_000;

const goProgram = fileURLToPath(new URL("../build/go-peers", import.meta.url));
/** The interpreter of the environment with the packages of bench/python. */
const python = fileURLToPath(new URL("../build/python/bin/python", import.meta.url));
const pythonProgram = fileURLToPath(new URL("../python/main.py", import.meta.url));
const role = fileURLToPath(new URL("role.ts", import.meta.url));

/** Why the program cannot run here, or `undefined` if it can. */
export function missing(program: Program): string | undefined {
  const { kind } = program;
  if (kind === "go" && !existsSync(goProgram)) return "there is no Go to build its program with";
  if (kind === "python" && !existsSync(python)) return "there is no Python with venv to run its program";
  if (kind === "node" && /^(sealpipe-)?nats$/.test(program.file) && natsServerProgram() === undefined)
    return "there is no nats-server";
  return undefined;
}

export function start(program: Program, forksClient: boolean): ChildProcess {
  const stdio = forksClient
    ? (["pipe", "pipe", "inherit", "pipe", "pipe"] as const)
    : (["pipe", "pipe", "inherit"] as const);
  if (program.kind === "go") {
    return spawn(goProgram, [program.peer, String(program.encryption)], { stdio: [...stdio] });
  }
  if (program.kind === "python") {
    return spawn(python, [pythonProgram, program.peer, JSON.stringify(program.options)], {
      stdio: [...stdio],
    });
  }
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

  /** All commands, now and later, fail. */
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
