import { Worker } from "node:worker_threads";

/** What the thread tells: the first line of stdin, the end of stdin, or that stdin cannot be read. */
type Told =
  | { readonly kind: "line"; readonly line: string }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly message: string };

/** What the thread does once the time to drain is over. */
export interface LastDeed {
  /** Removed with all that is in it. */
  readonly directory?: string | undefined;
  /** The process group that ends with the process, if the process is in it. */
  readonly group?: number | undefined;
}

const maxLineBytes = 65_536;

/**
 * In a thread of its own, so that an event loop that is blocked does not keep the process alive without its parent. As text,
 * so that bundles and single files have it.
 */
const thread = `
const { execFileSync } = require("node:child_process");
const { readFileSync, rmSync } = require("node:fs");
const { Socket } = require("node:net");
const { parentPort, workerData: { maxLineBytes, drainTimeoutMs } } = require("node:worker_threads");

let deed = {};
parentPort.on("message", (given) => {
  deed = given.deed ?? deed;
  if (given.now) die();
});

const attempt = (act) => { try { return act(); } catch { return undefined; } };

// Before the group is killed: the number may be another group's by now, if this process is in none of its own.
function ownGroup() {
  const { pid, platform } = process;
  if (platform === "linux") return Number(readFileSync("/proc/self/stat", "latin1").split(") ")[1].split(" ")[2]);
  return Number(execFileSync("ps", ["-o", "pgid=", "-p", String(pid)]));
}

function die() {
  const { directory, group } = deed;
  if (directory !== undefined) attempt(() => rmSync(directory, { recursive: true, force: true }));
  if (group !== undefined && attempt(ownGroup) === group) attempt(() => process.kill(-group, "SIGKILL"));
  process.kill(process.pid, "SIGKILL");
}

let isOver = false;
function over() {
  if (isOver) return;
  isOver = true;
  parentPort.postMessage({ kind: "ended" });
  setTimeout(die, drainTimeoutMs);
}

try {
  const input = new Socket({ fd: 0, readable: true, writable: false });
  let text = "";
  let told = false;
  input.setEncoding("utf8");
  input.on("data", (chunk) => {
    if (told) return;
    text += chunk;
    const end = text.indexOf("\\n");
    if (end < 0 && text.length < maxLineBytes) return;
    told = true;
    parentPort.postMessage({ kind: "line", line: text.slice(0, end < 0 ? 0 : end) });
    text = "";
  });
  input.on("end", over);
  input.on("error", over);
  input.on("close", over);
} catch (error) {
  parentPort.postMessage({ kind: "failed", message: error.message });
}
`;

/** The parent's hold on this process: it lasts as long as the parent keeps the other end of stdin open. */
export class Lease {
  readonly #worker: Worker;
  /** The parent's first line. Rejects if stdin ends before, or cannot be read. */
  readonly line: Promise<string>;
  /** Settles when the parent is gone, or wants this process to end. */
  readonly ended: Promise<void>;

  /** Once the lease has ended, the process has `drainTimeoutMs` before it is killed. */
  constructor(drainTimeoutMs: number) {
    const worker = new Worker(thread, {
      eval: true,
      workerData: { maxLineBytes, drainTimeoutMs },
      // Nothing of the program's is to run in it.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16 },
    });
    this.#worker = worker;
    const told = (kind: Told["kind"], act: (told: Told) => void) =>
      worker.on("message", (message: Told) => {
        if (message.kind === kind) act(message);
      });
    this.ended = new Promise((resolve) => told("ended", () => resolve()));
    this.line = new Promise((resolve, reject) => {
      told("line", (message) => resolve((message as { line: string }).line));
      told("ended", () => reject(new Error("stdin has ended before its first line")));
      told("failed", (message) => reject(new Error((message as { message: string }).message)));
      worker.on("error", reject);
    });
    this.line.catch(() => {});
    worker.unref();
  }

  /** What becomes of the process if it does not end by itself in time. */
  set lastDeed(deed: LastDeed) {
    this.#worker.postMessage({ deed });
  }

  /** Ends the process now, and its group with it. */
  end(): void {
    this.#worker.ref();
    this.#worker.postMessage({ now: true });
  }

  /** The process does not hang on its parent any more. */
  release(): void {
    void this.#worker.terminate();
  }
}
