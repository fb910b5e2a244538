import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The program `sealpipe`, as `npm run build` makes it. */
export const sealpipeProgram = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout, each parsed as JSON. */
  readonly records: readonly Record<string, unknown>[];
}

export interface RunOptions {
  /** What it reads on stdin. Default: nothing. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

// So that a test that fails half-way leaves nothing behind either.
const running = new Set<ChildProcessWithoutNullStreams>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts `sealpipe` with these arguments. */
export function startSealpipe(args: readonly string[], { cwd, env }: Omit<RunOptions, "input"> = {}) {
  const child = spawn(process.execPath, [sealpipeProgram, ...args], { cwd, env: { ...process.env, ...env } });
  running.add(child);
  child.once("close", () => running.delete(child));
  // It may end before it has read all.
  child.stdin.on("error", () => {});
  return child;
}

/** What it prints, and its exit code, once it has ended by itself. */
export async function runSealpipe(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = startSealpipe(args, options);
  child.stdin.end(options.input ?? "");
  return endOf(child);
}

export function endOf(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.once("close", (exitCode) => {
      resolve({
        exitCode,
        stdout,
        stderr,
        get records() {
          return stdout
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => JSON.parse(line) as Record<string, unknown>);
        },
      });
    });
  });
}
