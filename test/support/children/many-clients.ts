// Many native clients in one process, which read nothing. Usage: node many-clients.js NAME COUNT OPTIONS-AS-JSON

import { startClient } from "sealpipe";

const [name = "", count = "", options = "{}"] = process.argv.slice(2);
for (let index = 0; index < Number(count); index++) await startClient(name, JSON.parse(options));
process.stdout.write(`${JSON.stringify({ event: "connected" })}\n`);
