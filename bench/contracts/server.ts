// One of the benchmark's servers: `node server.ts PEER NAME`. It ends when its parent does.

import { peers } from "./peers.ts";

const [peer = "", name = ""] = process.argv.slice(2);
peers[peer]?.listen(name, () => process.send?.("listens"));
process.on("message", () => process.send?.(process.cpuUsage()));
process.on("disconnect", () => process.exit());
