// Loaded first, it has this process find a system without hard links.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

function refused(): Error {
  return Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM", syscall: "link" });
}

fs.linkSync = () => {
  throw refused();
};
fs.promises.link = () => Promise.reject(refused());
syncBuiltinESMExports();
