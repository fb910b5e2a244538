import { type ChildProcess, execFile } from "node:child_process";
import { join } from "node:path";

/** Long enough for a busy system; a program that hangs is not to keep the process alive. */
const taskkillTimeoutMs = 5_000;

/**
 * Sends the signal to a child that leads a process group, and to that group. Resolves once it is sent, and never rejects.
 *
 * Platform: Windows has neither groups nor SIGTERM. There SIGKILL ends the child and its descendants, and SIGTERM does nothing.
 */
export async function signalTree(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform === "win32") {
    if (signal === "SIGKILL") await endWindowsTree(child, pid);
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // There is nobody left in it.
  }
}

function endWindowsTree(child: ChildProcess, pid: number): Promise<void> {
  // By its path: of a mere name, Windows first tries the working directory, where anybody may have put a program.
  const taskkill = join(process.env["SystemRoot"] ?? "C:\\Windows", "System32", "taskkill.exe");
  const options = { windowsHide: true, timeout: taskkillTimeoutMs };
  return new Promise((resolve) => {
    execFile(taskkill, ["/pid", `${pid}`, "/t", "/f"], options, () => {
      // It may have failed.
      child.kill("SIGKILL");
      resolve();
    });
  });
}
