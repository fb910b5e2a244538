import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { freshName } from "./names.ts";

const patienceMs = 30_000;
const pollMs = 25;

/** A real terminal of 140 by 40 characters, by tmux, until the test is over. */
export class Terminal {
  readonly #socket = freshName();
  readonly #env: NodeJS.ProcessEnv;

  constructor(t: TestContext, env: Readonly<Record<string, string>> = {}) {
    this.#env = { ...process.env, TERM: "xterm-256color", LC_ALL: "C.UTF-8", ...env };
    // What this process may be run in is no concern of the terminal's.
    delete this.#env["TMUX"];
    t.after(() => this.#tmux("kill-server"));
  }

  /** Runs the program in it. Its screen stays when the program has ended. */
  run(command: readonly string[]): void {
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    this.#tmux("new-session", "-d", "-x", "140", "-y", "40", `${quoted}; printf '[ended]'; exec cat`);
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text);
  }

  /** A key by tmux's name: `Enter`, `Tab`, `Up`, `C-c`. */
  key(name: string): void {
    this.#tmux("send-keys", name);
  }

  /** What can be read on it, without what it has scrolled away; lines end where their last character is. */
  screen(): string {
    return this.#tmux("capture-pane", "-p", "-N");
  }

  /** Waits until the screen shows that. A terminal says nothing when it changes: it has to be looked at. */
  async until(pattern: RegExp): Promise<void> {
    const giveUpAt = Date.now() + patienceMs;
    while (!pattern.test(this.screen())) {
      if (Date.now() > giveUpAt) throw new Error(`the terminal does not show ${pattern}:\n${this.screen()}`);
      await pause(pollMs);
    }
  }

  untilEnded(): Promise<void> {
    return this.until(/\[ended\]/);
  }

  #tmux(...args: readonly string[]): string {
    const { stdout } = spawnSync("tmux", ["-L", this.#socket, "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env: this.#env,
    });
    return stdout;
  }
}
