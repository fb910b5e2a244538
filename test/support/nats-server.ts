import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { freePorts } from "./free-ports.ts";
import { skippedFor } from "./toolchains.ts";

const candidates = [fileURLToPath(new URL("../../nats/bin/nats-server", import.meta.url)), "nats-server"];
const program = candidates.find((path) => spawnSync(path, ["--version"]).status === 0);

/** Why tests that need a real nats-server cannot run, or `false`. */
export function lacksNats(): string | false {
  return skippedFor(program === undefined ? "nats-server is not installed" : false);
}

/** A real nats-server on this machine alone, which can be killed and started again. */
export class NatsServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #said: string[] = [];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** `args`: further ones. */
  static async start(...args: readonly string[]): Promise<NatsServer> {
    const [port = 0] = await freePorts(1);
    const server = new NatsServer(port, args);
    await server.start();
    return server;
  }

  /** As many as are wanted, each connected to each. */
  static async cluster(
    count: number,
    { args = () => [] }: { readonly args?: (index: number) => readonly string[] } = {},
  ): Promise<NatsServer[]> {
    const ports = await freePorts(count * 2);
    const routes = ports.slice(count).map((port) => `nats://127.0.0.1:${port}`);
    const servers = ports
      .slice(0, count)
      .map(
        (port, index) =>
          new NatsServer(port, [
            ...["--cluster_name", "tests", "--cluster", routes[index] as string],
            ...["--routes", routes.filter((_, other) => other !== index).join(",")],
            ...args(index),
          ]),
      );
    await Promise.all(servers.map((server) => server.start()));
    return servers;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ["--addr", "127.0.0.1", "--port", `${this.port}`, ...this.#args];
    const child = spawn(program as string, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    const said = this.#said;
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on("line", (line) => {
        said.push(line);
        if (line.includes("Server is ready")) resolve();
      });
      child.once("exit", () => reject(new Error(`nats-server has ended: ${said.slice(-5).join("\n")}`)));
    });
  }

  /** Whether a line of its log matches. */
  hasSaid(pattern: RegExp): boolean {
    return this.#said.some((line) => pattern.test(line));
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#process as ChildProcess;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}

/** A connection to one of these servers, closed after the test. */
export async function natsTo(
  servers: NatsServer | readonly NatsServer[],
  options: ConnectionOptions = {},
): Promise<NatsConnection> {
  const urls = [servers].flat().map(({ url }) => url);
  const nats = await connect({
    servers: urls,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
    reconnectJitter: 10,
    noRandomize: true,
    ...options,
  });
  after(() => nats.close());
  return nats;
}
