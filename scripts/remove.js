// Removes what its arguments name, files or directories, on every platform.

import { rmSync } from "node:fs";

for (const path of process.argv.slice(2)) rmSync(path, { recursive: true, force: true });
