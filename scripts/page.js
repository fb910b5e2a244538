// Makes the inspector's page, from `inspector-page`: one file of script, with the library that it is built from, and the rest as it
// is. Argument: where to, `dist/inspector/page` unless given.

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "inspector-page");
const target = process.argv[2] ?? join(root, "dist/inspector/page");

mkdirSync(target, { recursive: true });
const build = await rolldown({
  input: { page: join(source, "page.tsx") },
  tsconfig: false,
  platform: "browser",
  transform: { target: "es2022", jsx: { runtime: "automatic", importSource: "preact" } },
});
await build.write({ dir: target, format: "es", entryFileNames: "[name].js", minify: true, comments: false });
await build.close();
for (const file of ["index.html", "page.css", "icon.svg"])
  copyFileSync(join(source, file), join(target, file));
copyFileSync(join(root, "node_modules/preact/LICENSE"), join(target, "preact-LICENSE.txt"));
