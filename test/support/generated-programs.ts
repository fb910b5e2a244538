import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportContract } from "sealpipe/contract";
import { generate } from "#dist/generate/index.js";
import { everything } from "./everything.ts";
import { pythonCommand } from "./python-starter.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const programs = join(root, "interop/contracts");

/** How a program on generated code is started, and what removes it. */
export interface GeneratedProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  remove(): void;
}

/** As a file that was exported: what code is generated of. */
export function exported(): unknown {
  return JSON.parse(JSON.stringify(exportContract(everything)));
}

/** Checks it as strictly as there is, and compiles it. */
export function buildTypescript(): GeneratedProgram {
  const directory = workIn("typescript");
  writeFileSync(join(directory, "everything.ts"), generate(exported(), "typescript"));
  copyFileSync(join(programs, "typescript/end.ts"), join(directory, "end.ts"));
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: { rootDir: ".", outDir: "out", sourceMap: false },
      include: ["*.ts"],
    }),
  );
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], directory);
  return { command: process.execPath, args: [join(directory, "out/end.js")], remove: removing(directory) };
}

/** Formats, vets and builds it. */
export function buildGo(): GeneratedProgram {
  return buildGoProgram("go", "require sealpipe v0.0.0\n");
}

/** The same for the one that talks through golang-ipc, and has of the generated code the types. */
export function buildGolangIpc(): GeneratedProgram {
  const version = "v1.2.4";
  return buildGoProgram(
    "golang-ipc",
    `require (\n\tgithub.com/james-barrow/golang-ipc ${version}\n\tsealpipe v0.0.0\n)\n`,
  );
}

function buildGoProgram(program: string, requires: string): GeneratedProgram {
  const directory = workIn(program);
  mkdirSync(join(directory, "everything"));
  writeFileSync(join(directory, "everything/everything.go"), generate(exported(), "go"));
  copyFileSync(join(programs, program, "main.go"), join(directory, "main.go"));
  writeFileSync(
    join(directory, "go.mod"),
    `module sealpipe.test/contracts\n\ngo 1.24\n\n${requires}\nreplace sealpipe => ${join(root, "go")}\n`,
  );
  const misformed = run("gofmt", ["-l", "."], directory);
  if (misformed !== "") throw new Error(`gofmt would change ${misformed}`);
  run("go", ["mod", "tidy"], directory);
  run("go", ["vet", "./..."], directory);
  run("go", ["build", "-o", "end", "."], directory);
  return { command: join(directory, "end"), args: [], remove: removing(directory) };
}

/** Compiles it. The tests of the library for Python have its types checked. */
export function buildPython(): GeneratedProgram {
  const directory = workIn("python");
  writeFileSync(join(directory, "everything.py"), generate(exported(), "python"));
  copyFileSync(join(programs, "python/end.py"), join(directory, "end.py"));
  const { command, env } = pythonCommand([directory]);
  run(command, ["-m", "py_compile", "everything.py", "end.py"], directory);
  return { command, args: ["-W", "error", join(directory, "end.py")], env, remove: removing(directory) };
}

/** Inside of the repository, so that its packages are found. */
function workIn(language: string): string {
  mkdirSync(join(root, "build/interop"), { recursive: true });
  return mkdtempSync(join(root, `build/interop/contracts-${language}-`));
}

function removing(directory: string): () => void {
  return () => rmSync(directory, { recursive: true, force: true });
}

/** @returns What it printed. Throws with all of it if it fails. */
function run(command: string, args: readonly string[], directory: string): string {
  try {
    return execFileSync(command, args, { cwd: directory, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}:\n${stdout}${stderr}`);
  }
}
