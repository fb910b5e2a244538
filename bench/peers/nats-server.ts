import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { socketPath } from "./peer.ts";

const candidates = [
  fileURLToPath(new URL("../../build/nats/bin/nats-server", import.meta.url)),
  "nats-server",
];

/** The program, if it is installed. */
export function natsServerProgram(): string | undefined {
  return candidates.find((path) => spawnSync(path, ["--version"]).status === 0);
}

const portPath = (name: string): string => `${socketPath(name)}.port`;

/** A nats-server for one pair of processes, which find its port in a file. */
export class NatsServer {
  readonly #name: string;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    // Also if this process ends in another way than by `stop`.
    process.once("exit", () => child.kill("SIGKILL"));
  }

  static async start(name: string): Promise<NatsServer> {
    const port = await freePort();
    const args = ["--addr", "127.0.0.1", "--port", `${port}`];
    const child = spawn(natsServerProgram() ?? "nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
    const lines = createInterface({ input: child.stderr as Readable });
    for await (const line of lines) if (line.includes("Server is ready")) break;
    child.stderr?.resume();
    writeFileSync(portPath(name), `${port}`);
    return new NatsServer(name, child);
  }

  async stop(): Promise<void> {
    rmSync(portPath(this.#name), { force: true });
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

export function natsAt(name: string): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${readFileSync(portPath(name), "utf8")}`, maxReconnectAttempts: 0 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
