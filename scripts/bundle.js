// Makes what is published: from the sources, one CommonJS file with all that a client needs at once, and others that it
// loads when it needs them; a module that passes its exports on, so that `import` and `require` come to the same classes; and,
// from the types that `npm run build` has made, one file of those for both. Argument: where to, `dist` unless given.

import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, process.argv[2] ?? "dist");
// Beside it, as source maps tell where the sources lie from there.
const made = `${target}-new`;
const external = /^node:/;

rmSync(made, { recursive: true, force: true });
mkdirSync(made, { recursive: true });
await bundle("src/index.ts", {
  input: {
    tsconfig: false,
    platform: "node",
    transform: {
      target: "es2022",
      // Not those of a document, as jsdom has them or lacks them.
      inject: { TextDecoder: ["node:util", "TextDecoder"], TextEncoder: ["node:util", "TextEncoder"] },
    },
  },
  output: {
    format: "cjs",
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name].cjs",
    codeSplitting: {
      groups: [
        { name: "core", tags: ["$initial"] },
        { name: "later", test: /./ },
      ],
    },
    sourcemap: true,
    comments: false,
  },
});
await bundle("dist/index.d.ts", {
  input: { plugins: [dts({ dtsInput: true, tsconfig: false })] },
  output: { format: "es", entryFileNames: "index.d.ts" },
});
renameSync(join(made, "index.d.ts"), join(made, "index.d.cts"));
writeFileSync(join(made, "index.d.ts"), 'export * from "./index.cjs";\n');
writeFileSync(join(made, "index.js"), moduleOf(join(made, "index.cjs")));
rmSync(target, { recursive: true, force: true });
renameSync(made, target);

async function bundle(file, { input, output }) {
  const build = await rolldown({ input: { index: join(root, file) }, external, ...input });
  await build.write({ dir: made, ...output });
  await build.close();
}

function moduleOf(file) {
  const names = Object.keys(createRequire(import.meta.url)(file));
  return `import sealpipe from "./index.cjs";\n\nexport const {\n${names.map((name) => `  ${name},\n`).join("")}} = sealpipe;\n`;
}
