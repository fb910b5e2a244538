import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { CommandOutput } from "./command-output.ts";
import { asFinal } from "./handed-in.ts";
import { type Handle, setReferenced } from "./referenced.ts";
import { hasCode } from "./system-errors.ts";
import { clearTimeout, setTimeout } from "./timers.ts";

type Callback = (error?: Error | null) => void;

/** How long a command that is to end may take before it is killed, in milliseconds. It may be stopped, and so never end. */
const killAfterMs = 1_000;
/** How long to wait, once a command's output has ended, for its exit code and its last words, in milliseconds. */
const lastWordsMs = 500;
/** What a shell exits with for a command that is not there, or cannot be run. */
const notRunCodes = [126, 127];
/** What `sealpipe dial` exits with when no server is there. */
const nobodyThereCode = 3;

/** A command's standard input and output as a duplex stream, which fails with what the command said on standard error. */
export class CommandStream extends Duplex {
  readonly #child: ChildProcess;
  readonly #output = new CommandOutput();
  #exited = false;
  #outputEnded = false;
  #toldEnd = false;
  #timer: NodeJS.Timeout | undefined;
  /** Called once the process has ended. */
  #whenExited: (() => void) | undefined;

  /** Starts the command, which may fail later. */
  constructor(command: readonly string[]) {
    super({ allowHalfOpen: true, emitClose: true });
    const [program = "", ...args] = command;
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
    this.#child = child;
    child.once("error", (cause) => this.#notStarted(cause));
    child.once("exit", () => this.#hasExited());
    child.once("close", () => this.#over());
    child.stdin?.on("error", () => {});
    child.stderr?.on("error", () => {});
    child.stderr?.on("data", (chunk: Buffer) => this.#output.addWords(chunk));
    child.stdout?.on("error", (error) => this.destroy(error));
    child.stdout?.on("data", (chunk: Buffer) => this.#arrived(chunk));
    child.stdout?.once("end", () => this.#outputHasEnded());
  }

  override _read(): void {
    this.#child.stdout?.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: Callback): void {
    // A command that takes no more is about to end, and its end says more than this failure.
    this.#child.stdin?.write(chunk, (error) => {
      if (!error) callback();
    });
  }

  override _final(callback: Callback): void {
    this.#child.stdin?.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearTimeout(this.#timer);
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
    if (this.#exited || this.#child.pid === undefined) {
      callback(error);
      return;
    }
    this.#timer = setTimeout(() => this.#child.kill("SIGKILL"), killAfterMs);
    this.#whenExited = () => callback(error);
    this.#child.kill("SIGTERM");
  }

  ref(): void {
    for (const handle of this.#handles) setReferenced(handle, true);
  }

  unref(): void {
    for (const handle of this.#handles) setReferenced(handle, false);
  }

  /** The pipes of a child are sockets. */
  get #handles(): Handle[] {
    const { stdin, stdout, stderr } = this.#child;
    return [this.#child, stdin, stdout, stderr].filter((handle) => handle !== null) as unknown as Handle[];
  }

  #arrived(chunk: Buffer): void {
    const bytes = this.#output.protocolIn(chunk);
    if (bytes === undefined) {
      this.destroy(
        new Error(`the command printed too much before the server said anything${this.#output.said}`),
      );
      return;
    }
    if (bytes.length > 0 && !this.push(bytes)) this.#child.stdout?.pause();
  }

  #notStarted(cause: Error): void {
    const error = new Error(`the command cannot be started: ${cause.message}`, { cause });
    // It may be a shortage of descriptors or processes, too.
    this.destroy(hasCode(cause, "ENOENT") || hasCode(cause, "EACCES") ? asFinal(error) : error);
  }

  #hasExited(): void {
    this.#exited = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#whenExited?.();
    // Before that there may be output that nobody has read yet.
    if (this.#outputEnded) this.#awaitLastWords();
  }

  #outputHasEnded(): void {
    this.#outputEnded = true;
    this.#awaitLastWords();
  }

  /** Something that the command has started may keep its standard error open. */
  #awaitLastWords(): void {
    if (!this.destroyed) this.#timer ??= setTimeout(() => this.#over(), lastWordsMs);
  }

  /** The command has ended, or at least its output. */
  #over(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.destroyed) return;
    const { exitCode, signalCode } = this.#child;
    if (this.#output.hasProtocol && (exitCode === 0 || !this.#exited)) {
      if (!this.#toldEnd) this.push(null);
      this.#toldEnd = true;
      if (this.#exited) this.end();
      return;
    }
    this.destroy(this.#failure(exitCode, signalCode));
  }

  #failure(code: number | null, signal: NodeJS.Signals | null): Error {
    const how = signal !== null ? `was ended by ${signal}` : `exited with the code ${code}`;
    const error = new Error(`the command ${this.#exited ? how : "ended its output"}${this.#output.said}`);
    if (code === nobodyThereCode) Object.assign(error, { code: "ECONNREFUSED" });
    return notRunCodes.includes(code ?? 0) ? asFinal(error) : error;
  }
}
