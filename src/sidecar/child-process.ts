import { type ChildProcess, spawn } from "node:child_process";
import { SystemError } from "../index.ts";
import { encodeHandOver, type HandOver } from "./hand-over.ts";
import { Lines } from "./lines.ts";
import type { ParsedSpawnOptions } from "./options.ts";
import { signalTree } from "./process-tree.ts";

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A line that a sidecar has printed. */
export interface OutputLine {
  readonly source: "stdout" | "stderr";
  /** Without the line break; a line of over 16384 characters comes in pieces. */
  readonly text: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

const keptLines = 20;

/** One run of a sidecar's program, in a process group of its own where there are such. */
export class SidecarProcess {
  readonly #child: ChildProcess;
  readonly #lastWords: string[] = [];
  #isGone = false;
  /** Settles when the process is gone, and with it whatever it had started. */
  readonly exited: Promise<Exit>;

  /** @throws SystemError `ERR_SIDECAR_ENDED` if the system cannot start it: by {@link exited} */
  constructor(
    { command, args }: Command,
    { cwd, env }: ParsedSpawnOptions,
    tell: (line: OutputLine) => void,
  ) {
    const isGroup = process.platform !== "win32";
    const stdio = ["pipe", "pipe", "pipe"] as const;
    // On Windows, too: libuv has the system kill a child that is not detached at the instant when this process ends, and it
    // could not do what it has to at its end.
    this.#child = spawn(command, args, { cwd, env, stdio: [...stdio], detached: true, windowsHide: true });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once("error", (cause) =>
        reject(ended("sidecar", `cannot be started: ${cause.message}`, cause)),
      );
      this.#child.once("exit", (code, signal) => {
        // A launcher that is killed leaves its program, which goes on until it notices that Node has closed the dead launcher's stdin
        // and it has drained; and a program leaves what it has started. The number of the group may be another's later, and on
        // Windows at once.
        if (isGroup) void this.kill("SIGKILL");
        this.#isGone = true;
        resolve({ code, signal });
      });
    });
    this.exited.catch(() => {});
    this.#child.stdin?.on("error", () => {});
    for (const source of ["stdout", "stderr"] as const) this.#read(source, tell);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last that it said on stderr, to add to an error's message. */
  get lastWordsText(): string {
    const said = this.#lastWords.join("\n");
    return said === "" ? "" : `; its last words on stderr:\n${said}`;
  }

  handOver(what: HandOver): void {
    const group = process.platform === "win32" ? undefined : this.pid;
    this.#child.stdin?.write(encodeHandOver({ ...what, group }));
  }

  /** Ends the lease. */
  release(): void {
    this.#child.stdin?.end();
  }

  /** Sends the signal to the whole process group; see {@link signalTree}. */
  async kill(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (!this.#isGone) await signalTree(this.#child, signal);
  }

  setReferenced(referenced: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const handle of [this.#child, stdin, stdout, stderr] as unknown as {
      ref(): void;
      unref(): void;
    }[]) {
      if (referenced) handle.ref();
      else handle.unref();
    }
  }

  #read(source: OutputLine["source"], tell: (line: OutputLine) => void): void {
    const lines = new Lines((text) => {
      if (source === "stderr") this.#remember(text);
      tell({ source, text });
    });
    const output = this.#child[source];
    output?.on("data", (chunk: Uint8Array) => lines.add(chunk));
    output?.on("end", () => lines.end());
    output?.on("error", () => {});
  }

  #remember(text: string): void {
    this.#lastWords.push(text);
    if (this.#lastWords.length > keptLines) this.#lastWords.shift();
  }
}

export function ended(role: "sidecar" | "daemon", what: string, cause?: Error): SystemError {
  return new SystemError("ERR_SIDECAR_ENDED", `the ${role} ${what}`, cause && { cause });
}

/** For people. */
export function exitText({ code, signal }: Exit): string {
  return signal === null ? `ended with the exit code ${code}` : `was ended by ${signal}`;
}
