// Has the packed library made part of programs: one file by esbuild, rollup, Vite and webpack, which runs where there are no
// packages, a single executable file of Node's, an extension of VS Code, and a page, bundled by esbuild and by Vite, in Chromium. `--picture FILE`
// keeps how the page looks. The tests have to be compiled: they know where Chromium is.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "sealpipe-bundlers-"));
/** Where the bundles run: there is no package here. */
const alone = mkdtempSync(join(tmpdir(), "sealpipe-bundles-"));
const chromium = new URL("../build/test/support/chromium.js", import.meta.url).href;
const { values } = parseArgs({ options: { picture: { type: "string" } } });
let names = 0;

try {
  cpSync(new URL("bundlers", import.meta.url), work, { recursive: true });
  rmSync(join(work, "node_modules"), { recursive: true, force: true });
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", work], root));
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", join(work, filename)]);
  const tools = await load(
    "esbuild",
    "rollup",
    "vite",
    "webpack",
    "@rollup/plugin-commonjs",
    "@rollup/plugin-node-resolve",
  );
  await programs(tools);
  await executable();
  await editor(tools);
  await pages(tools);
} finally {
  rmSync(work, { recursive: true, force: true });
  rmSync(alone, { recursive: true, force: true });
}

async function load(...packages) {
  const require = createRequire(join(work, "package.json"));
  return Object.fromEntries(
    await Promise.all(
      packages.map(async (name) => {
        const loaded = await import(pathToFileURL(require.resolve(name)).href);
        return [basename(name).replace("plugin-", ""), loaded];
      }),
    ),
  );
}

async function programs({ esbuild, rollup, vite, webpack, commonjs, "node-resolve": nodeResolve }) {
  const entry = join(work, "program.js");
  const bundle = { bundle: true, platform: "node", logLevel: "error", entryPoints: [entry] };
  await talks("esbuild, CommonJS", "esbuild.cjs", (outfile) =>
    esbuild.build({ ...bundle, format: "cjs", outfile }),
  );
  await talks("esbuild, a module, minified", "esbuild.mjs", (outfile) => {
    // What is CommonJS in it requires Node's modules.
    const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    return esbuild.build({ ...bundle, format: "esm", minify: true, banner: { js }, outfile });
  });
  await talks("rollup", "rollup.mjs", async (file) => {
    const plugins = [nodeResolve.default({ preferBuiltins: true }), commonjs.default()];
    const made = await rollup.rollup({ input: entry, plugins, external: [/^node:/], logLevel: "silent" });
    await made.write({ file, format: "es", inlineDynamicImports: true });
  });
  await talks("Vite", "vite.mjs", (file) =>
    vite.build({
      root: work,
      configFile: false,
      logLevel: "error",
      ssr: { noExternal: true },
      build: {
        ssr: entry,
        outDir: alone,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: basename(file) } },
      },
    }),
  );
  await talks("webpack", "webpack.cjs", async (file) => {
    const output = { path: alone, filename: basename(file) };
    const options = {
      context: work,
      entry,
      output,
      target: "node20",
      mode: "production",
      optimization: { minimize: false },
    };
    const stats = await new Promise((resolve, reject) => {
      webpack.default(options, (error, done) => (error === null ? resolve(done) : reject(error)));
    });
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
  });
}

/** A server and a client, each a process of its own, of the file that `make` makes. */
async function talks(title, file, make) {
  const begun = performance.now();
  await make(join(alone, file));
  await converse(process.execPath, [join(alone, file)]);
  done(title, begun);
}

/** One file with Node and the program. It is asked for no package, and no file beside it. */
async function executable() {
  const begun = performance.now();
  const config = join(alone, "sea.json");
  const blob = join(alone, "sea.blob");
  writeFileSync(
    config,
    JSON.stringify({ main: join(alone, "esbuild.cjs"), output: blob, disableExperimentalSEAWarning: true }),
  );
  run(process.execPath, ["--experimental-sea-config", config]);
  const file = join(alone, "program");
  copyFileSync(process.execPath, file);
  const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
  run(join(work, "node_modules/.bin/postject"), [file, "NODE_SEA_BLOB", blob, "--sentinel-fuse", fuse]);
  await converse(file, []);
  done("a single executable file", begun);
}

async function converse(program, programArguments) {
  names += 1;
  const name = `sealpipe-bundlers-${process.pid}-${names}`;
  const options = { cwd: alone, stdio: ["ignore", "pipe", "inherit"] };
  const server = spawn(program, [...programArguments, "server", name], options);
  const ended = once(server, "exit");
  try {
    await Promise.race([once(server.stdout, "data"), ended]);
    const said = run(program, [...programArguments, "client", name], alone).trim();
    if (said !== "42 500500 21") throw new Error(`the client said ${said}`);
  } finally {
    server.kill();
    await ended;
  }
}

/** The example of an extension, in two windows that share one daemon. */
async function editor({ esbuild }) {
  const begun = performance.now();
  const folder = join(alone, "extension");
  const stub = join(alone, "node_modules/vscode");
  const runtime = join(alone, "runtime");
  cpSync(join(root, "examples/vscode"), join(work, "vscode"), { recursive: true });
  cpSync(join(work, "vscode/extension"), folder, { recursive: true });
  mkdirSync(stub, { recursive: true });
  mkdirSync(runtime, { mode: 0o700 });
  copyFileSync(join(work, "vscode.js"), join(stub, "index.js"));
  copyFileSync(join(work, "vscode-host.cjs"), join(alone, "vscode-host.cjs"));
  for (const name of ["extension", "daemon"]) {
    await esbuild.build({
      entryPoints: [join(work, `vscode/${name}.ts`)],
      outfile: join(folder, `out/${name}.cjs`),
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["vscode"],
      logLevel: "error",
    });
  }
  for (const [window, shown] of [
    ["a window", "You have 1 notes; from a window"],
    ["the last window", "You have 2 notes; from a window, from the last window"],
  ]) {
    const env = { ...process.env, XDG_RUNTIME_DIR: runtime };
    const said = run(process.execPath, ["vscode-host.cjs", folder, window], alone, env).trim();
    if (said !== shown) throw new Error(`${window} showed ${said}`);
  }
  done("an extension of VS Code, in a stand-in for its host", begun);
}

async function pages({ esbuild, vite }) {
  const { lacksChromium } = await import(chromium);
  if (lacksChromium !== false) {
    console.log(lacksChromium);
    return;
  }
  await opens("a page by esbuild", async (outdir) => {
    const page = { bundle: true, format: "esm", platform: "browser", logLevel: "error" };
    await esbuild.build({ ...page, entryPoints: [join(work, "page.js")], outdir });
    copyFileSync(join(work, "page.html"), join(outdir, "page.html"));
  });
  await opens("a page by Vite", (outDir) =>
    vite.build({
      root: work,
      configFile: false,
      logLevel: "error",
      base: "./",
      build: {
        outDir,
        emptyOutDir: false,
        target: "esnext",
        rollupOptions: { input: join(work, "page.html") },
      },
    }),
  );
}

async function opens(title, make) {
  const begun = performance.now();
  names += 1;
  const folder = join(alone, `page-${names}`);
  mkdirSync(folder);
  await make(folder);
  const name = `sealpipe-bundlers-${process.pid}-${names}`;
  const picture = values.picture === undefined ? [] : [values.picture];
  const said = run(process.execPath, [join(work, "in-chromium.js"), folder, name, chromium, ...picture]);
  if (!said.includes("the page talked")) throw new Error(said);
  done(title, begun);
}

function done(title, begun) {
  console.log(`ok: ${title}, ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}

function run(command, args, cwd = work, env = process.env) {
  try {
    return execFileSync(command, args, {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${error.stdout}${error.stderr}`);
  }
}
