// Gives the Go library another module path, such as that of its public home: `node scripts/go-module-path.js NEW`.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const module = fileURLToPath(new URL("../go/", import.meta.url));
const [path] = process.argv.slice(2);
if (path === undefined || !/^[a-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/.test(path)) {
  console.error(
    "Usage: node scripts/go-module-path.js NEW\n  NEW  a module path, such as example.org/sealpipe",
  );
  process.exit(2);
}

const goMod = join(module, "go.mod");
const declared = /^module (\S+)$/m.exec(readFileSync(goMod, "utf8"))?.[1];
const changes = [[goMod, (text) => text.replace(`module ${declared}\n`, `module ${path}\n`)]];
for (const file of readdirSync(module, { recursive: true })) {
  if (!file.endsWith(".go")) continue;
  changes.push([
    join(module, file),
    (text) => text.replaceAll(`"${declared}/`, `"${path}/`).replaceAll(`"${declared}"`, `"${path}"`),
  ]);
}
let changed = 0;
for (const [file, change] of changes) {
  const before = readFileSync(file, "utf8");
  const after = change(before);
  if (after === before) continue;
  writeFileSync(file, after);
  changed += 1;
}
console.log(`${declared} is ${path} now, in ${changed} files`);
