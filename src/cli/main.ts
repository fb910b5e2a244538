#!/usr/bin/env node
import { exitCodes, Stopped } from "./exit-codes.ts";
import { run } from "./run.ts";

const stop = new AbortController();

for (const [signal, exitCode] of [
  ["SIGINT", exitCodes.interrupted],
  ["SIGTERM", exitCodes.terminated],
] as const) {
  process.on(signal, () => {
    // The second one is from a user who does not want to wait.
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort(new Stopped(exitCode));
  });
}

// Whoever reads the output may go at any time, as `head` does.
process.stdout.on("error", () => stop.abort(new Stopped(exitCodes.outputClosed)));
process.stderr.on("error", () => {});

const { stdin, stdout, stderr } = process;
process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, signal: stop.signal });
// A terminal or a pipe that is still open would keep the process alive.
stdin.destroy();
