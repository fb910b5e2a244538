import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { type Command, type Exit, ended } from "./child-process.ts";
import { signalTree } from "./process-tree.ts";

export interface DaemonSurroundings {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly log?: string | undefined;
}

/** A program that is started to outlive this one: in a session of its own, with no pipe to this process. */
export class DaemonProcess {
  readonly #child: ChildProcess;
  #isGone = false;
  /** Settles when the process is gone. A launcher goes at once. */
  readonly exited: Promise<Exit>;

  /**
   * @throws SystemError `ERR_SIDECAR_ENDED` if the system cannot start it: by {@link exited}; the system's own error if the log
   *   cannot be opened.
   */
  constructor({ command, args }: Command, { cwd, env, log }: DaemonSurroundings) {
    const output = log === undefined ? "ignore" : openLog(log);
    try {
      const stdio = ["ignore", output, output] as const;
      this.#child = spawn(command, args, { cwd, env, stdio: [...stdio], detached: true, windowsHide: true });
    } finally {
      if (typeof output === "number") closeSync(output);
    }
    this.exited = new Promise((resolve, reject) => {
      this.#child.once("error", (cause) =>
        reject(ended("daemon", `cannot be started: ${cause.message}`, cause)),
      );
      this.#child.once("exit", (code, signal) => {
        this.#isGone = true;
        resolve({ code, signal });
      });
    });
    this.exited.catch(() => {});
  }

  /** At once, with whatever it has started, unless that has a process group of its own. */
  async kill(): Promise<void> {
    if (!this.#isGone) await signalTree(this.#child, "SIGKILL");
  }

  /** This process no longer waits for it. */
  unref(): void {
    this.#child.unref();
  }
}

/** Not through a symbolic link that somebody has put there. */
function openLog(path: string): number {
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW = 0 } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
}
