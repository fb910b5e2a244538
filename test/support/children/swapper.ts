// Becomes another user and puts a link to TARGET in the place of every staging directory that it sees in DIRECTORY: instead
// of it if the system lets this user rename it, otherwise as soon as it has gone. Usage: node swapper.js UID DIRECTORY
// TARGET. On a line of input it ends, and says how often it has done which.

import { readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

const [uid = "", directory = "", target = ""] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(Number(uid));
process.setuid?.(Number(uid));

const seen = new Set<string>();
const done = { swapped: 0, squatted: 0 };
let ended = false;
process.stdin.on("data", () => {
  ended = true;
  process.stdin.destroy();
});

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

function attack(): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (!entry.isDirectory() || !entry.name.startsWith(".sp-") || seen.has(path)) continue;
    if (!succeeds(() => renameSync(path, join(directory, `moved-${entry.name}`)))) seen.add(path);
    else if (succeeds(() => symlinkSync(target, path))) done.swapped += 1;
  }
  for (const path of seen) {
    if (!succeeds(() => symlinkSync(target, path))) continue;
    seen.delete(path);
    done.squatted += 1;
    if (done.squatted === 1) process.stdout.write(`${JSON.stringify({ event: "squatted" })}\n`);
  }
}

process.stdout.write(`${JSON.stringify({ event: "ready" })}\n`);
while (!ended) {
  for (let count = 0; count < 200; count++) attack();
  await turn();
}
process.stdout.write(`${JSON.stringify({ event: "ended", ...done })}\n`);
