import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type Line, LinesProcess } from "./lines-process.ts";

/** Where a program of `children/` is. */
export function childPath(program: string): string {
  return fileURLToPath(new URL(`./children/${program}.js`, import.meta.url));
}

/** A program of `children/` in a process of its own, killed after the test if it still runs. */
export function startChild(program: string, ...args: readonly string[]): LinesProcess {
  const child = new LinesProcess(process.execPath, [childPath(program), ...args]);
  after(() => child.kill());
  return child;
}

/** A server in a process of its own that writes each message back; listens already. */
export async function startServerProcess(name: string, options: object = {}): Promise<LinesProcess> {
  const child = startChild("server", name, JSON.stringify(options));
  await child.until(({ event }) => event === "listening");
  return child;
}

/** Its exit code, once it has ended by itself. */
export function exitOf(child: LinesProcess): Promise<number | null> {
  const process = child.child;
  if (process.exitCode !== null) return Promise.resolve(process.exitCode);
  return new Promise((resolve) => process.once("close", resolve));
}

export const isEvent =
  (wanted: string) =>
  ({ event }: Line): boolean =>
    event === wanted;
