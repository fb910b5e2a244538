// Looks at a directory without a pause and keeps every mode in which a socket was seen in it, until its input says so.
// What lies in a directory that others cannot enter, they cannot reach: it is not looked at.
// Usage: node mode-watcher.js DIRECTORY

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

const [directory = ""] = process.argv.slice(2);
const socketModes = new Set<string>();
const directoryModes = new Set<string>();
let looks = 0;
let ended = false;
process.stdin.on("data", () => {
  ended = true;
  // At once: on Deno a later one, while a read waits, does not let the process end.
  process.stdin.destroy();
});

function look(entry: string): void {
  const status = lstatSync(join(directory, entry), { throwIfNoEntry: false });
  if (status === undefined) return;
  const mode = (status.mode & 0o7777).toString(8);
  if (!status.isSocket()) directoryModes.add(mode);
  else if (socketModes.size === 0) say({ event: "seen" });
  if (status.isSocket()) socketModes.add(mode);
}

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

say({ event: "watching" });
while (!ended) {
  for (let count = 0; count < 200; count++) {
    for (const entry of readdirSync(directory)) look(entry);
    looks += 1;
  }
  await turn();
}
say({ looks, socketModes: [...socketModes], directoryModes: [...directoryModes] });
