import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildDropIn } from "./go-end.ts";
import { type Line, LinesProcess } from "./lines-process.ts";
import { onWine } from "./platform.ts";
import { lacks } from "./toolchains.ts";

/** The releases of golang-ipc whose programs we talk to: the first and the last. */
export const goVersions = ["v1.2.4", "v1.0.0"] as const;
export type GoVersion = (typeof goVersions)[number];

const root = new URL("../../../", import.meta.url);

/** Where the Go programs are built already, if they are: under Wine there is no Go. */
const builtAlready = process.env["SEALPIPE_TEST_GO_PEERS"];

/** Why no Go program can be had, as `lacks`. */
export function lacksGo(): string | false {
  return builtAlready === undefined && lacks("go", "version");
}

/**
 * For our clients of Go's servers. Go's pipes reserve their name by one that takes nobody, which on Wine takes one client
 * and says nothing to it: that one tries again.
 */
export const towardsGo = onWine ? { handshakeTimeoutMs: 500 } : {};

/** Why Go's servers of that release cannot run here, as `skip`. */
export function noGoServer(version: GoVersion): string | false {
  return (
    onWine && version === "v1.0.0" && "its library for pipes names them in a way that Wine does not know"
  );
}

/** Why Go's clients do not wait for a server here, as `skip`. */
export const goDoesNotRetry =
  onWine && "golang-ipc tries again where an error has the words of Windows, and Wine has others";

/** Builds the Go program on that release and returns its path. Quick when Go has built it before. */
export function buildGoPeer(version: GoVersion, platform: "win32" | "native" = "native"): string {
  const forWindows = platform === "win32" || process.platform === "win32";
  const directory = builtAlready ?? fileURLToPath(new URL("build/interop/", root));
  const program = join(directory, forWindows ? `peer-${version}.exe` : `peer-${version}`);
  if (builtAlready !== undefined) return program;
  mkdirSync(directory, { recursive: true });
  // Built aside and moved: several test files build at the same time, and one that runs cannot be written to.
  const fresh = `${program}.${process.pid}`;
  execFileSync("go", ["build", "-o", fresh, "."], {
    cwd: new URL(`interop/go/${version}/`, root),
    env: forWindows ? { ...process.env, GOOS: "windows" } : process.env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  renameSync(fresh, program);
  return program;
}

export interface GoPeerOptions {
  /** A release, or the Go library's drop-in for it. */
  readonly version: GoVersion | "drop-in";
  readonly role: "server" | "client";
  readonly name: string;
  readonly encryption: boolean;
  readonly extra?: readonly string[];
}

let lastCommand = 0;

/** A process that runs the real golang-ipc. */
export class GoPeer extends LinesProcess {
  constructor({ version, role, name, encryption, extra = [] }: GoPeerOptions) {
    super(version === "drop-in" ? buildDropIn() : buildGoPeer(version), [
      role,
      "--name",
      name,
      `--encryption=${encryption}`,
      ...extra,
    ]);
  }

  untilStatus(status: string): Promise<Line> {
    return this.until((line) => line["event"] === "status" && line["status"] === status);
  }

  untilMessage(): Promise<Line> {
    return this.until((line) => line["event"] === "message");
  }

  /** Gives a command and waits for what answers it. */
  async ask(command: Line): Promise<Line> {
    lastCommand += 1;
    const id = lastCommand;
    this.command({ ...command, id });
    return this.until((line) => line["id"] === id);
  }

  /** Lets it write a body of {@link pattern}. */
  async write(type: number, bytes: number, seed: number): Promise<void> {
    const answer = await this.ask({ do: "write", type, bytes, seed });
    if (answer["event"] !== "written") throw new Error(`golang-ipc did not write: ${JSON.stringify(answer)}`);
  }

  /** Ends it in order, if it has not ended. */
  async stop(): Promise<void> {
    this.command({ do: "close" });
    this.child.stdin?.end();
    await this.kill();
  }
}

/** The bodies that both sides make, so that contents can be compared without being sent twice. */
export function pattern(bytes: number, seed: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let index = 0; index < bytes; index++) data[index] = index * 31 + seed * 17 + (index >> 8) * 7;
  return data;
}

export function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
