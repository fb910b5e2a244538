import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "sealpipe";
import { childrenWith } from "../support/processes.ts";
import { sealpipeProgram } from "../support/sealpipe-program.ts";
import { SshServer } from "../support/ssh-server.ts";
import type { Line } from "./chaos.ts";
import type { Harm } from "./cutting-proxy.ts";

/** Longest time that a connection may talk before something of it is killed. */
const maxLifeMs = 300;
/** How soon a client notices that ssh is stopped. */
const keepalive = { keepaliveIntervalMs: 500, keepaliveTimeoutMs: 500 };

/** ssh to a real sshd, and `sealpipe dial` there: one of their processes after another is killed, or stopped. */
export async function cutSsh(directory: string, server: Server, cuts: number): Promise<Line> {
  const sshd = await SshServer.start();
  const via = sshd.command([process.execPath, sealpipeProgram, "dial", "server", "--directory", directory]);
  const harm: Harm = { cuts: 0, truncations: 0, stalls: 0, delays: 0 };
  let closed = false;
  const cutting = cutAll();
  return {
    options: { via, authenticatedBy: "transport", ...keepalive },
    harm,
    allCut: cutting,
    async close() {
      closed = true;
      await cutting;
      await sshd.stop();
    },
  };

  async function cutAll(): Promise<void> {
    while (harm.cuts < cuts && !closed) {
      const [connection] = server.connections;
      const processes = processesOf(sshd, directory);
      if (connection?.status !== "connected" || processes.length < 3) {
        await pause(5);
        continue;
      }
      await pause(randomInt(maxLifeMs));
      const pid = processes[randomInt(processes.length)] as number;
      const stops = randomInt(5) === 0;
      const ended = gone(processes);
      if (!signal(pid, stops ? "SIGSTOP" : "SIGKILL")) continue;
      if (stops) harm.stalls += 1;
      harm.cuts += 1;
      await ended;
      // A stopped session of sshd or `dial` outlives ssh, which nobody there can help.
      if (stops) signal(pid, "SIGKILL");
    }
  }
}

/** ssh, the session's processes of sshd, and `dial`. */
function processesOf(sshd: SshServer, directory: string): number[] {
  const [ssh] = childrenWith(`-p\0${sshd.port}`);
  const sessions = childrenWith("sshd", sshd.pid).flatMap((pid) => [pid, ...childrenWith("", pid)]);
  const dials = sessions.flatMap((pid) => childrenWith(`--directory\0${directory}`, pid));
  return ssh === undefined ? [] : [ssh, ...sessions, ...dials];
}

/** Once ssh, the first of them, has ended. */
async function gone([ssh]: readonly number[]): Promise<void> {
  while (signal(ssh as number, 0)) await pause(5);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
