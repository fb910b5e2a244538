// Removes the files or directories that its arguments name, on every platform.

import { rmSync } from "node:fs";

for (const path of process.argv.slice(2)) rmSync(path, { recursive: true, force: true });
