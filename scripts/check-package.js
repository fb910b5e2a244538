// Checks what would be published: the packed tarball, its files and links, as tools see it and as programs use it.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { checkTypes } from "./check-types.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** All that is published: what comes to it, or is missing, is a decision. */
const published = [
  ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "package.json"],
  ...["bench/README.md", "go/README.md", "python/README.md"],
  ...["core.cjs", "core.cjs.map", "index.cjs", "index.d.cts", "index.d.ts", "index.js"],
  ...["later.cjs", "later.cjs.map"],
].map((file) => (/^(core|index|later)\./.test(file) ? `dist/${file}` : file));
/** And the whole of these. */
const publishedFolders = ["docs", "examples", "spec"];

const work = mkdtempSync(join(tmpdir(), "sealpipe-package-"));

const roundTrip = `
  const server = await startServer("sealpipe-package-" + process.pid);
  const client = await startClient(server.name);
  await client.write(5, "packed");
  const message = await server.read({ timeoutMs: 5000 });
  if (message.text !== "packed" || message.type !== 5) throw new Error("the message did not arrive");
  await client.close();
  await server.close();
`;

/** Modules of Node's that cost a short-lived client time and are of no use to it. */
const laterModules = [
  "worker_threads",
  "fs/promises",
  "perf_hooks",
  "timers/promises",
  "internal/crypto/webcrypto",
];

const programs = {
  "program.mjs": `import { startClient, startServer } from "sealpipe";\n${roundTrip}`,
  "program.cjs": `const { startClient, startServer } = require("sealpipe");\n(async () => {${roundTrip}})();`,
  "one-copy.mjs": `import { createRequire } from "node:module";
import * as imported from "sealpipe";
const required = createRequire(import.meta.url)("sealpipe");
for (const name of new Set([...Object.keys(imported), ...Object.keys(required)])) {
  if (imported[name] !== required[name]) throw new Error(name + " is there twice");
}
const server = await required.startServer("sealpipe-package-" + process.pid);
const client = await imported.startClient(server.name);
if (!(client instanceof required.Client && server instanceof imported.Server)) throw new Error("two classes");
const refused = await imported.startServer(server.name).catch((error) => error);
if (!(refused instanceof required.SystemError)) throw new Error("two errors");
await client.close();
await server.close();`,
  "few-modules.cjs": `const { startClient } = require("sealpipe");
(async () => {
  const client = await startClient(process.argv[2]);
  await client.request(1, "question");
  await client.close();
  const loaded = process.moduleLoadList.map((line) => line.replace(/^NativeModule /, ""));
  console.log(JSON.stringify(loaded.filter((name) => ${JSON.stringify(laterModules)}.includes(name))));
})();`,
  "server.cjs": `const { startServer } = require("sealpipe");
startServer(process.argv[2]).then((server) => {
  server.handle(1, ({ data }) => data);
  console.log("listens");
});`,
  "program.mts": `import { type Client, type Message, startClient, startServer } from "sealpipe";
${roundTrip}
const typed: (client: Client) => Promise<Message> = (client) => client.read();
void typed;
// @ts-expect-error: a message's type is a number
const wrong = (client: Client) => client.write("5", "text");
void wrong;
`,
};

try {
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", work], root));
  const tarball = join(work, packed.filename);
  checkContents(packed.files.map(({ path }) => path));
  checkLinks(tarball);
  checkTypesFile();
  console.log(run("npx", ["publint", "run", tarball, "--strict"], root));
  console.log(run("npx", ["attw", tarball], root));
  await checkInstalled(tarball);
  checkTypes(work, tarball, install);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function checkContents(files) {
  const inRepository = run("git", ["ls-files", ...publishedFolders], root)
    .trim()
    .split("\n");
  const wanted = [...published, ...inRepository].sort();
  const found = [...files].sort();
  if (String(found) !== String(wanted)) {
    const missing = wanted.filter((file) => !found.includes(file));
    const strangers = found.filter((file) => !wanted.includes(file));
    throw new Error(
      `the tarball lacks ${missing.join(", ") || "nothing"}, and has ${strangers.join(", ") || "nothing"} besides`,
    );
  }
  console.log(`tarball: ${files.length} files, as listed`);
}

/** Whoever has the tarball alone can follow every link of its Markdown that leads to a file, and to a heading in one. */
function checkLinks(tarball) {
  const unpacked = join(work, "unpacked");
  mkdirSync(unpacked);
  run("tar", ["-xzf", tarball, "-C", unpacked], root);
  const top = join(unpacked, "package");
  const pages = readdirSync(top, { recursive: true }).filter((file) => file.endsWith(".md"));
  let links = 0;
  for (const page of pages) {
    for (const [, link] of readFileSync(join(top, page), "utf8").matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, heading] = link.split("#");
      const target = path === "" ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(top, target)))
        throw new Error(`${page} links to ${link}, which is not in the tarball`);
      if (heading !== undefined && !headingsOf(join(top, target)).includes(heading))
        throw new Error(`${page} links to ${link}, and there is no such heading`);
      links += 1;
    }
  }
  console.log(`ok: ${links} links of ${pages.length} pages`);
}

/** What the types declare is what the package exports, but for these: the library's own insides are nobody's to build on. */
function checkTypesFile() {
  const types = readFileSync(join(work, "unpacked/package/dist/index.d.cts"), "utf8");
  const declared = [
    ...types.matchAll(/^(?:declare )?(?:abstract )?(?:class|type|interface|function|const) (\w+)/gm),
  ];
  const exported = [...types.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names]) =>
    names.split(",").map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/ as .*/, ""),
    ),
  );
  const inside = declared.map(([, name]) => name).filter((name) => !exported.includes(name));
  if (exported.length < 30 || String(inside) !== "CodeOf,Messages")
    throw new Error(`the types declare ${inside.join(", ")}, of ${exported.length} exports`);
  if (types.includes("@internal")) throw new Error("the types have what is marked as internal");
  console.log(`ok: ${exported.length} exports and no insides in the types`);
}

/** As GitHub names them in links. */
function headingsOf(file) {
  return [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** A client's whole life, with a server in another process: `require` shows what was loaded for it. */
async function checkFewModules(project) {
  const name = `sealpipe-package-${process.pid}-few`;
  const server = spawn("node", ["server.cjs", name], { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(server.stdout, "data");
    const loaded = run("node", ["few-modules.cjs", name], project).trim();
    if (loaded !== "[]") throw new Error(`a client that asks once has loaded ${loaded}`);
  } finally {
    server.kill();
  }
  console.log("ok: a client that asks once loads no module of Node's that it has no use for");
}

async function checkInstalled(tarball) {
  const project = join(work, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "program", private: true }));
  for (const [file, text] of Object.entries(programs)) writeFileSync(join(project, file), text);
  const { typescript } = manifest.devDependencies;
  const types = manifest.devDependencies["@types/node"];
  install(project, [tarball, `typescript@${typescript}`, `@types/node@${types}`]);
  run("node", ["program.mjs"], project);
  console.log("ok: import from ESM");
  run("node", ["program.cjs"], project);
  console.log("ok: require from CommonJS");
  run("node", ["one-copy.mjs"], project);
  console.log("ok: import and require come to the same classes in one process");
  await checkFewModules(project);
  run(
    "npx",
    [
      "tsc",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--types",
      "node",
      "program.mts",
      "--outDir",
      "out",
    ],
    project,
  );
  run("node", ["out/program.mjs"], project);
  console.log("ok: import from TypeScript, checked and run");
}

function install(project, packages) {
  run("npm", ["install", "--no-audit", "--no-fund", ...packages], project);
}

function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${error.stdout}${error.stderr}`);
  }
}
