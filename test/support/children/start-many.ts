// Starts servers one after another in a directory and closes each again, to be watched while it does.
// Usage: node start-many.js DIRECTORY COUNT OPTIONS-AS-JSON UMASK

import { startServer } from "sealpipe";

const [directory = "", count = "1", options = "{}", umask = "022"] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
for (let started = 0; started < Number(count); started++) {
  const server = await startServer("watched", { ...JSON.parse(options), directory });
  await server.close();
}
