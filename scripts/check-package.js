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
  ...["core.cjs", "core.cjs.map", "index.cjs", "index.d.cts", "index.d.ts", "index.js"].map(inDist),
  ...["main", "canonical-json", "changes", "contract-files", "description", "generate"].flatMap((file) =>
    ["js", "js.map"].map((extension) => inDist(`cli/${file}.${extension}`)),
  ),
  ...["icon.svg", "index.html", "page.css", "page.js", "preact-LICENSE.txt"].map((file) =>
    inDist(`inspector/page/${file}`),
  ),
  ...["later.cjs", "later.cjs.map", "server.cjs", "server.cjs.map", "rolldown-runtime.cjs"].map(inDist),
  ...["cbor.js", "cbor.js.map", "cbor.d.ts"].map(inDist),
  ...["port/index", "electron/index"].flatMap((entry) =>
    ["d.ts", "js", "js.map"].map((extension) => inDist(`${entry}.${extension}`)),
  ),
  ...[
    "contract/index",
    "questions/index",
    "sidecar/index",
    "opentelemetry/index",
    "inspector/index",
    "nats/index",
    "msgpack",
  ].flatMap((entry) =>
    ["cjs", "cjs.map", "d.cts", "d.ts", "js"].map((extension) => inDist(`${entry}.${extension}`)),
  ),
];
/** And the whole of these. */
const publishedFolders = ["docs", "examples", "spec"];

function inDist(file) {
  return `dist/${file}`;
}

/** Of the types of each entry: how many exports there are at the least, and what is declared and not exported. */
const typesFiles = {
  "index.d.cts": { min: 30, inside: "CodeOf,Messages,Items" },
  "contract/index.d.cts": { min: 40, inside: "Same,Nothing,AgreeOptions,CodedErrors,OwnErrorOf,PeerEnd" },
  "questions/index.d.cts": { min: 4, inside: "" },
  "sidecar/index.d.cts": { min: 8, inside: "" },
  "opentelemetry/index.d.cts": { min: 3, inside: "" },
  "inspector/index.d.cts": { min: 3, inside: "" },
  "nats/index.d.cts": { min: 6, inside: "" },
  "msgpack.d.cts": { min: 1, inside: "Codec" },
  "port/index.d.ts": { min: 10, inside: "" },
  "electron/index.d.ts": { min: 8, inside: "" },
  "cbor.d.ts": { min: 1, inside: "Codec" },
};

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

/** Modules of Node and of the library that cost a short-lived client time and are of no use to it. */
const laterModules = [
  "server.cjs",
  "later.cjs",
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
if (!(client instanceof required.Client && server instanceof imported.Endpoint)) throw new Error("two classes");
const refused = await imported.startServer(server.name).catch((error) => error);
if (!(refused instanceof required.SystemError)) throw new Error("two errors");
await client.close();
await server.close();`,
  "contract.mjs": `import { createRequire } from "node:module";
import * as imported from "sealpipe/contract";
import { Client } from "sealpipe";
import { cbor } from "sealpipe/cbor";
import { msgpack } from "sealpipe/msgpack";
const require = createRequire(import.meta.url);
for (const entry of ["contract", "msgpack", "cbor"]) {
  const [one, other] = [require("sealpipe/" + entry), await import("sealpipe/" + entry)];
  for (const name of Object.keys(one)) {
    if (name !== "module.exports" && one[name] !== other[name]) throw new Error(entry + "'s " + name + " is there twice");
  }
}
const { bytes, connect, contract, method, serve } = require("sealpipe/contract");
for (const codec of [imported.json, msgpack, cbor]) {
  const echo = contract("echo", { echo: method(1, { input: bytes, output: bytes }) }, { codec });
  const server = await serve("sealpipe-package-" + process.pid, echo, { echo: (data) => data });
  const app = await imported.connect(server.endpoint.name, echo);
  if ((await app.echo(Uint8Array.of(7)))[0] !== 7) throw new Error("no echo");
  if (!(app.endpoint instanceof Client)) throw new Error("the core is there twice");
  await app.close();
  await server.close();
}`,
  "without-peers.cjs": `const { bytes, contract, json } = require("sealpipe/contract");
if (typeof contract !== "function" || json.name !== "json" || bytes === undefined) throw new Error("no contract");
for (const entry of ["msgpack", "cbor", "opentelemetry"]) {
  try {
    require("sealpipe/" + entry);
  } catch (error) {
    if (/@msgpack\\/msgpack|@opentelemetry\\/api|cborg/.test(error.message)) continue;
    throw error;
  }
  throw new Error(entry + " was loaded without its package");
}`,
  "few-modules.cjs": `const { startClient } = require("sealpipe");
(async () => {
  const client = await startClient(process.argv[2]);
  await client.request(1, "question");
  await client.close();
  const loaded = process.moduleLoadList.map((line) => line.replace(/^NativeModule /, ""));
  loaded.push(...Object.keys(require.cache).map((file) => require("node:path").basename(file)));
  console.log(JSON.stringify(loaded.filter((name) => ${JSON.stringify(laterModules)}.includes(name))));
})();`,
  "ping.mjs": `import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { startServer } from "sealpipe";
const server = await startServer("sealpipe-package-" + process.pid, { application: "pinged" });
const args = ["sealpipe", "ping", server.name, "--count", "1"];
const { stdout } = await promisify(execFile)("npx", args);
await server.close();
const [connected, answer] = stdout.split("\\n").map((line) => line && JSON.parse(line));
if (connected.application !== "pinged" || answer.event !== "answer") throw new Error(stdout);`,
  "inspector.mjs": `import { createRequire } from "node:module";
import { contract } from "sealpipe/contract";
import * as imported from "sealpipe/inspector";
for (const { startInspector } of [imported, createRequire(import.meta.url)("sealpipe/inspector")]) {
  const inspector = await startInspector({ contracts: [contract("one", {})] });
  for (const path of ["", "page.js", "page.css", "icon.svg"]) {
    const { status } = await fetch(new URL(path, inspector.url.split("#")[0]));
    if (status !== 200) throw new Error(path + ": " + status);
  }
  await inspector.close();
}`,
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
  if (!readFileSync(join(root, "README.md"), "utf8").includes(`/${packed.filename} `))
    throw new Error(`the README installs something else than ${packed.filename}`);
  checkContents(packed.files.map(({ path }) => path));
  checkLinks(tarball);
  for (const [file, expected] of Object.entries(typesFiles)) checkTypesFile(file, expected);
  console.log(run("npx", ["publint", "run", tarball, "--strict"], root));
  // The oldest way to resolve modules knows no subpaths; and `cborg` is an ES module alone, and so is what stands on it.
  const profiles = {
    strict: ["."],
    node16: ["contract", "msgpack", "opentelemetry", "inspector"],
    "esm-only": ["cbor", "port", "electron"],
  };
  for (const [profile, entries] of Object.entries(profiles)) {
    console.log(run("npx", ["attw", tarball, "--profile", profile, "--entrypoints", ...entries], root));
  }
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

/** Every link in the tarball's Markdown to a file, or to a heading in one, must work within the tarball. */
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

/** What the types declare is what the package exports, but for a few: the library's own insides are nobody's to build on. */
function checkTypesFile(file, { min, inside }) {
  const types = readFileSync(join(work, "unpacked/package/dist", file), "utf8");
  const declared = [
    ...types.matchAll(
      /^(?:declare )?(?:abstract )?(?:class|type|interface|function|const) (\w+)(?!\w*: unique symbol)/gm,
    ),
  ];
  const exported = [...types.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, names]) =>
    names.split(",").map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/ as .*/, ""),
    ),
  );
  const hidden = declared.map(([, name]) => name).filter((name) => !exported.includes(name));
  if (exported.length < min || String([...new Set(hidden)]) !== inside)
    throw new Error(`${file} declares ${hidden.join(",")}, of ${exported.length} exports`);
  if (types.includes("@internal")) throw new Error(`${file} has what is marked as internal`);
  console.log(`ok: ${exported.length} exports and no insides in ${file}`);
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

/**
 * A client from start to end, with a server in another process: `require` shows the modules that were loaded
 * for it.
 */
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
  checkCoreIsForClients(project);
  console.log("ok: a client that asks once loads nothing that it has no use for");
}

/** What only servers need is not in the file that every client loads. */
function checkCoreIsForClients(project) {
  const map = join(project, "node_modules/sealpipe/dist/core.cjs.map");
  const { sources } = JSON.parse(readFileSync(map, "utf8"));
  const ofServers = sources.filter((source) => source.includes("endpoint/server/"));
  if (ofServers.length !== 1 || !ofServers[0].endsWith("/start-server.ts"))
    throw new Error(`core.cjs has, of servers, ${ofServers}`);
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
  run("node", ["without-peers.cjs"], project);
  console.log("ok: contracts without the packages of their codecs");
  const peers = Object.entries(manifest.devDependencies).filter(
    ([name]) => name in manifest.peerDependencies,
  );
  install(
    project,
    peers.map(([name, version]) => `${name}@${version}`),
  );
  run("node", ["contract.mjs"], project);
  console.log("ok: contracts and their codecs, imported and required, on one copy of the core");
  run("node", ["inspector.mjs"], project);
  console.log("ok: the inspector and its page, imported and required");
  await checkFewModules(project);
  checkCommandLine(project);
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

/** The program that is linked for its users, run as they run it, on a server of theirs. */
function checkCommandLine(project) {
  const version = run("npx", ["sealpipe", "--version"], project).trim();
  if (version !== manifest.version) throw new Error(`sealpipe --version prints ${version}`);
  const listed = run("npx", ["sealpipe", "list", "--json", "--directory", project], project);
  for (const line of listed.split("\n").filter((line) => line !== "")) JSON.parse(line);
  run("node", ["ping.mjs"], project);
  console.log("ok: the command line, from the tarball");
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
