import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePorts } from "./free-ports.ts";
import { namePrefix } from "./names.ts";
import { onWindows } from "./platform.ts";
import { skippedFor } from "./toolchains.ts";

const sshd = "/usr/sbin/sshd";

/** Why tests that need a real sshd cannot run, or `false`. */
export function lacksSshd(): string | false {
  if (onWindows) return "Windows has another sshd";
  return skippedFor(
    existsSync(sshd) && existsSync("/usr/bin/ssh") ? false : "OpenSSH's server and client are not installed",
  );
}

/** A real sshd for this user alone, with keys of its own. */
export class SshServer {
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly port: number;

  private constructor(directory: string, child: ChildProcess, port: number) {
    this.#directory = directory;
    this.#process = child;
    this.port = port;
  }

  /** `commands`: lines of a start-up file that each command's shell prints first. */
  static async start(): Promise<SshServer> {
    const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-ssh-`));
    for (const key of ["host", "user"]) {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, key)]);
    }
    copyFileSync(join(directory, "user.pub"), join(directory, "authorized"));
    chmodSync(join(directory, "authorized"), 0o600);
    // sshd changes into it where it may give up its privileges.
    if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true });
    const [port = 0] = await freePorts(1);
    const config = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(directory, "host")}`,
      `AuthorizedKeysFile ${join(directory, "authorized")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "MaxStartups 100",
    ];
    writeFileSync(join(directory, "config"), `${config.join("\n")}\n`);
    const child = spawn(sshd, ["-D", "-e", "-f", join(directory, "config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
    await new Promise<void>((resolve, reject) => {
      const said: string[] = [];
      lines.on("line", (line) => {
        said.push(line);
        if (line.includes("Server listening")) resolve();
      });
      child.once("exit", () => reject(new Error(`sshd has ended: ${said.join("\n")}`)));
    });
    return new SshServer(directory, child, port);
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** What runs a command there. `options`: further ones of ssh. */
  command(remote: readonly string[], options: readonly string[] = ["-T"]): string[] {
    const given = {
      BatchMode: "yes",
      StrictHostKeyChecking: "no",
      UserKnownHostsFile: "/dev/null",
      LogLevel: "ERROR",
      IdentitiesOnly: "yes",
    };
    return [
      "ssh",
      ...["-F", "/dev/null", "-i", join(this.#directory, "user"), "-p", `${this.port}`],
      ...Object.entries(given).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
      ...options,
      `${userInfo().username}@127.0.0.1`,
      ...remote,
    ];
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    if (this.#process.exitCode === null && this.#process.signalCode === null) await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
