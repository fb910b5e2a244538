import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "sealpipe";
import { type ConnectOrSpawnOptions, connectOrSpawn, type DaemonOptions } from "sealpipe/sidecar";
import { startChild } from "./children.ts";
import type { LinesProcess } from "./lines-process.ts";
import { freshName, namePrefix } from "./names.ts";
import { onWindows } from "./platform.ts";
import { type Hooks, isThere } from "./sidecars.ts";
import { turns, until } from "./waiting.ts";

/** Far more than a process takes to start on a busy machine. */
const readyTimeoutMs = 60_000;

const program = fileURLToPath(new URL("./children/daemon-child.js", import.meta.url));

/** A daemon of the tests, by its name, and what is known of its processes. Whatever was started is killed after the test. */
export class TestDaemon {
  readonly name = freshName();
  readonly directory = mkdtempSync(join(tmpdir(), `${namePrefix}-daemon-`));
  readonly #starts = join(this.directory, "starts");
  readonly #clients = new Set<Client>();
  readonly #callers = new Set<LinesProcess>();

  constructor(t: Hooks) {
    t.after(async () => {
      // First, as they would start it again.
      for (const client of this.#clients) client.destroy();
      await Promise.all([...this.#clients].map((client) => client.close()));
      await Promise.all([...this.#callers].map((caller) => caller.kill()));
      for (const pid of this.started.filter(isThere)) process.kill(pid, "SIGKILL");
      await until(() => !this.started.some(isThere));
      // In which Node closes the handles of those that it has started.
      await turns();
      // Last, as it has their numbers.
      if (!onWindows)
        for (const suffix of ["", ".start"]) rmSync(`/tmp/${this.name}${suffix}.sock`, { force: true });
      rmSync(this.directory, { recursive: true, force: true });
    });
  }

  /** The processes that were started so far. */
  get started(): number[] {
    if (!existsSync(this.#starts)) return [];
    return readFileSync(this.#starts, "utf8").split("\n").slice(0, -1).map(Number);
  }

  get running(): number[] {
    return this.started.filter(isThere);
  }

  /** Its command, as for `connectOrSpawn`. */
  command(options: DaemonOptions = {}, how = ""): [string, ...string[]] {
    const given = { applicationVersion: "1.0.0", idleTimeoutMs: 0, ...options };
    return [process.execPath, program, this.name, this.#starts, JSON.stringify(given), how];
  }

  async connect(options: ConnectOrSpawnOptions = {}, [command, ...args] = this.command()): Promise<Client> {
    const given = { readyTimeoutMs, restartDelayMs: 5, ...options };
    const client = await connectOrSpawn(this.name, command, args, given);
    this.#clients.add(client);
    return client;
  }

  /** A process that connects to it, or starts it. */
  caller(options: ConnectOrSpawnOptions = {}, command = this.command()): LinesProcess {
    const given = JSON.stringify({ readyTimeoutMs, ...options });
    const caller = startChild("daemon-caller", "connectOrSpawn", this.name, given, ...command);
    this.#callers.add(caller);
    return caller;
  }
}
