// Checks what would be published: the packed tarball, as tools see it and as three kinds of program use it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkTypes } from "./check-types.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
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

const programs = {
  "program.mjs": `import { startClient, startServer } from "sealpipe";\n${roundTrip}`,
  "program.cjs": `const { startClient, startServer } = require("sealpipe");\n(async () => {${roundTrip}})();`,
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
  console.log(run("npx", ["publint", "run", tarball, "--strict"], root));
  // ESM only: `require` of it works on every Node that the package allows, which this tool does not know.
  console.log(run("npx", ["attw", tarball, "--profile", "esm-only"], root));
  checkInstalled(tarball);
  checkTypes(work, tarball, install);
} finally {
  rmSync(work, { recursive: true, force: true });
}

function checkContents(files) {
  for (const needed of ["dist/index.js", "dist/index.d.ts", "LICENSE", "README.md", "CHANGELOG.md"]) {
    if (!files.includes(needed)) throw new Error(`the tarball lacks ${needed}`);
  }
  const strangers = files.filter((file) => /^(test|build|interop|bench|scripts|examples)\//.test(file));
  if (strangers.length > 0) throw new Error(`the tarball has ${strangers.join(", ")}`);
  console.log(`tarball: ${files.length} files`);
}

function checkInstalled(tarball) {
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
