import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

export interface ProgramInput {
  readonly input: Uint8Array;
  /** Variables besides this process's. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it, and what it has started. */
  readonly signal: AbortSignal;
}

export interface ProgramResult {
  /** Or the name of the signal that ended it. */
  readonly exitCode: number | string;
  readonly stdout: Uint8Array;
  /** The last line of its stderr that is not empty. */
  readonly lastError: string;
}

/** More than any message may have. */
const maxOutputBytes = 1_073_741_824;
const maxErrorLength = 4_096;

/** Runs a command by the system's shell, and waits for its end. @throws Error if it cannot be started. */
export async function runProgram(
  command: string,
  { input, env, signal }: ProgramInput,
): Promise<ProgramResult> {
  // In a group of its own, so that what it starts can be ended with it. Platform: Windows has no groups.
  const detached = process.platform !== "win32";
  const child = spawn(command, { shell: true, detached, env: { ...process.env, ...env }, stdio: "pipe" });
  const stop = (): void => end(child, detached);
  signal.addEventListener("abort", stop);
  // It need not read its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    return await resultOf(child, stop);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function resultOf(child: ChildProcessWithoutNullStreams, stop: () => void): Promise<ProgramResult> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxOutputBytes) stop();
    else chunks.push(chunk);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-maxErrorLength);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const lastError = errors.trimEnd().split("\n").at(-1) ?? "";
      resolve({ exitCode: code ?? signal ?? "", stdout: Buffer.concat(chunks), lastError });
    });
  });
}

function end({ pid }: ChildProcessWithoutNullStreams, isGroup: boolean): void {
  try {
    if (pid !== undefined) process.kill(isGroup ? -pid : pid, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
}
