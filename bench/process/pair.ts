import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Row } from "../catalogue.ts";
import { socketPath } from "../peers/peer.ts";
import { Remote, start } from "./process.ts";

const startLimitMs = 20_000;
/** The unit of times in /proc, USER_HZ: a hundredth of a second on all platforms for which there is a Node. */
const tickMs = 10;
let pairs = 0;

/** A server and a client that talk to each other, each in a process of its own. */
export class Pair implements AsyncDisposable {
  readonly server: Remote;
  readonly client: Remote;
  readonly name: string;
  readonly #processes: ChildProcess[];

  private constructor(row: Row, name: string) {
    this.name = name;
    const server = start(row.server, row.forksClient === true);
    this.server = new Remote(server.stdin as Writable, server.stdout as Readable);
    if (row.forksClient) {
      this.client = new Remote(server.stdio[3] as Writable, server.stdio[4] as Readable);
      this.#processes = [server];
    } else {
      const client = start(row.client, false);
      this.client = new Remote(client.stdin as Writable, client.stdout as Readable);
      this.#processes = [server, client];
    }
    this.server.failed = (error) => this.client.fail(error);
    this.client.failed = (error) => this.server.fail(error);
  }

  /** Both processes, with `clients` connections between them. */
  static async start(row: Row, clients = 1): Promise<Pair> {
    pairs += 1;
    const pair = new Pair(row, `sealpipe-bench-${process.pid}-${pairs}`);
    const limit = setTimeout(() => pair.server.fail(new Error("it did not start in time")), startLimitMs);
    try {
      await pair.server.ask({ do: "listen", name: pair.name });
      await pair.connect(clients);
      return pair;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  /**
   * The processor time that both processes have used so far, in milliseconds, in steps of 10. `undefined` except on
   * Linux.
   */
  get processorMs(): number | undefined {
    if (process.platform !== "linux") return undefined;
    const ticks = this.#processes.map(({ pid }) => {
      // After the name, which may have spaces: proc_pid_stat(5), fields 14 and 15.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return Number(fields[11]) + Number(fields[12]);
    });
    return ticks.reduce((sum, each) => sum + each) * tickMs;
  }

  async connect(clients: number): Promise<void> {
    if (clients === 0) return;
    await this.client.ask({ do: "connect", name: this.name, clients });
    await this.server.ask({ do: "await-clients", clients });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#processes.map((child) => (child.exitCode === null ? once(child, "exit") : undefined));
    const kill = setTimeout(() => {
      for (const child of this.#processes) child.kill("SIGKILL");
    }, 2_000);
    // The client first: golang-ipc's server does not outlive a client that vanishes.
    await this.client.ask({ do: "close" }).catch(() => {});
    await this.server.ask({ do: "close" }).catch(() => {});
    this.client.end();
    this.server.end();
    await Promise.all(ended);
    clearTimeout(kill);
    // Not every peer does, nor one that was killed.
    rmSync(socketPath(this.name), { force: true });
  }
}
