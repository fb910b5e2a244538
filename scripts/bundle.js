// Makes what is published: from the sources, for each entry of the package one CommonJS file (of the core one with all that a
// client needs at once, and others for servers and for what is rarely needed); a module that passes its exports on, so that `import` and
// `require` come to the same classes; and, from the types that `npm run build` has made, one file of those for both. The other
// entries load the core's file, so that it is there once; and the program `sealpipe`. Argument: where to, `dist` unless given.

import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, process.argv[2] ?? "dist");
// Beside it, as source maps tell where the sources lie from there.
const made = `${target}-new`;
const external = [/^node:/, "@msgpack/msgpack", "@nats-io/jetstream", "@opentelemetry/api", "cborg"];
/** Each entry's path, from `src`, from `dist`, and from what is made. */
const entries = [
  "index",
  "contract/index",
  "questions/index",
  "sidecar/index",
  "opentelemetry/index",
  "inspector/index",
  "nats/index",
  "port/index",
  "electron/index",
  "msgpack",
  "cbor",
];
/** For pages, whose bundlers and browsers take modules alone; of other entries they have types, and each other. */
const forPages = ["port/index", "electron/index"];
/** Entries that leave others to their own files, besides the core: a contract is of one type, wherever it is given. */
const onOthers = [...forPages, "inspector/index"];
/** Those on packages that are ES modules alone are one such module, which Node can `require`; so are those for pages. */
const modules = ["cbor", ...forPages];
/** The command line, a program: what it stands on is in the files of the entries. */
const program = "cli/main";

rmSync(made, { recursive: true, force: true });
mkdirSync(made, { recursive: true });
for (const entry of entries) {
  const isCore = entry === "index";
  const extension = modules.includes(entry) ? "js" : "cjs";
  await bundle(entry, join(root, "src", `${entry}.ts`), {
    input: {
      tsconfig: false,
      platform: "node",
      plugins: [coreOutside(entry, join(root, "src/index"))],
      transform: {
        target: "es2022",
        // Not those of a document, which jsdom may or may not have.
        inject: { TextDecoder: ["node:util", "TextDecoder"], TextEncoder: ["node:util", "TextEncoder"] },
      },
    },
    output: {
      format: extension === "js" ? "es" : "cjs",
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `[name].${extension}`,
      ...(isCore && {
        codeSplitting: {
          groups: [
            { name: "core", tags: ["$initial"] },
            { name: "server", test: /endpoint.server/ },
            { name: "later", test: /./ },
          ],
        },
      }),
      sourcemap: true,
      comments: false,
    },
  });
  await bundle(entry, join(root, "dist", `${entry}.d.ts`), {
    input: {
      plugins: [coreOutside(entry, join(root, "dist/index")), dts({ dtsInput: true, tsconfig: false })],
    },
    output: { format: "es", entryFileNames: "[name].d.ts" },
  });
  if (modules.includes(entry)) continue;
  const types = join(made, `${entry}.d`);
  renameSync(`${types}.ts`, `${types}.cts`);
  writeFileSync(`${types}.ts`, `export * from "./${basename(entry)}.cjs";\n`);
}
await bundle(program, join(root, "src", `${program}.ts`), {
  input: { tsconfig: false, platform: "node", plugins: [entriesOutside()], transform: { target: "es2022" } },
  output: {
    format: "es",
    entryFileNames: "[name].js",
    chunkFileNames: `${dirname(program)}/[name].js`,
    sourcemap: true,
    comments: false,
  },
});
execFileSync(process.execPath, [join(root, "scripts/page.js"), join(made, "inspector/page")], {
  stdio: "inherit",
});
// Only now that all exist: they load each other.
for (const entry of entries.filter((entry) => !modules.includes(entry))) {
  writeFileSync(join(made, `${entry}.js`), moduleOf(join(made, `${entry}.cjs`)));
}
rmSync(target, { recursive: true, force: true });
renameSync(made, target);

async function bundle(entry, file, { input, output }) {
  const build = await rolldown({ input: { [entry]: file }, external, ...input });
  await build.write({ dir: made, ...output });
  await build.close();
}

/** The core is in a file of its own. */
function coreOutside(entry, core) {
  return {
    name: "core-outside",
    resolveId(id, importer) {
      if (importer === undefined || !/^\.\.?\//.test(id) || entry === "index") return undefined;
      const path = join(dirname(importer), id).replace(/\.[jt]s$/, "");
      if (path === core) return { id: relative(dirname(entry), "index.cjs"), external: true };
      const other = entries.find((name) => name !== entry && path === join(dirname(core), name));
      if (other === undefined || !onOthers.includes(entry)) return undefined;
      const extension = modules.includes(other) ? "js" : "cjs";
      return { id: relative(dirname(entry), `${other}.${extension}`), external: true };
    },
  };
}

/** Each of the package's entries is in files of its own. */
function entriesOutside() {
  return {
    name: "entries-outside",
    resolveId(id, importer) {
      if (importer === undefined || !/^\.\.?\//.test(id)) return undefined;
      const path = relative(join(root, "src"), join(dirname(importer), id)).replace(/\.[jt]s$/, "");
      if (!entries.includes(path)) return undefined;
      return { id: relative(dirname(program), `${path}.js`), external: true };
    },
  };
}

function moduleOf(file) {
  const names = Object.keys(createRequire(import.meta.url)(file));
  const list = names.map((name) => `  ${name},\n`).join("");
  return `import all from "./${basename(file)}";\n\nexport const {\n${list}} = all;\n`;
}
