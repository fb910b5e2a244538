// Starts servers one after another in a directory and closes each again, to be watched while it does: so many at least,
// and then until a line comes on its standard input.
// Usage: node start-many.js DIRECTORY COUNT OPTIONS-AS-JSON UMASK

import { startServer } from "sealpipe";

const [directory = "", count = "1", options = "{}", umask = "022"] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
let enough = false;
process.stdin.once("data", () => {
  enough = true;
  // At once: on Deno a later one, while a read waits, does not let the process end.
  process.stdin.destroy();
});
for (let started = 0; started < Number(count) || !enough; started++) {
  const server = await startServer("watched", { ...JSON.parse(options), directory });
  await server.close();
}
