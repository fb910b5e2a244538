// Becomes another user, listens at SOCKET in DIRECTORY/evil, and renames this directory and DIRECTORY/PRIVATE into each other's
// place, again and again. Usage: node renamer.js UID DIRECTORY PRIVATE SOCKET. On a line of input it puts both back, ends, and
// says how often it has renamed and who has connected to it.

import { chmodSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

const [uid = "", directory = "", name = "", socket = ""] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(Number(uid));
process.setuid?.(Number(uid));

const good = join(directory, name);
const evil = join(directory, "evil");
mkdirSync(evil);
chmodSync(evil, 0o777);
const done = { renamed: 0, connected: 0 };
const server = createServer((peer) => {
  done.connected += 1;
  peer.destroy();
});
await new Promise<void>((resolve) => server.listen(join(evil, socket), resolve));
chmodSync(join(evil, socket), 0o777);

let tries = 0;
let ended = false;
process.stdin.on("data", () => {
  ended = true;
  process.stdin.destroy();
});

function rename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

process.stdout.write(`${JSON.stringify({ event: "ready" })}\n`);
while (!ended) {
  for (let count = 0; count < 50; count++) {
    // A name of its own each time: if the other user has made a new one meanwhile, the moved one cannot be put back.
    const aside = join(directory, `aside-${tries++}`);
    if (!rename(good, aside) || !rename(evil, good)) continue;
    done.renamed += 1;
    rename(good, evil);
    rename(aside, good);
  }
  await turn();
}
const found = readdirSync(evil);
server.close();
process.stdout.write(`${JSON.stringify({ event: "ended", ...done, found })}\n`);
