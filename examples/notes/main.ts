// Starts the daemon and an app, two processes, and ends when the app has.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const name = process.argv[2] ?? `sealpipe-notes-${process.pid}`;

function start(program: string) {
  return spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), name], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

const daemon = start("./daemon.js");
// The app waits for the daemon by itself.
const [code] = await once(start("./app.js"), "exit");
const ended = once(daemon, "exit");
daemon.kill();
await ended;
process.exitCode = code ?? 1;
