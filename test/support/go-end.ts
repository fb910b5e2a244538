import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LinesProcess } from "./lines-process.ts";
import { OtherEnd } from "./other-end.ts";

const root = new URL("../../../", import.meta.url);
const built = fileURLToPath(new URL("build/interop/", root));

/** Builds in `directory`, aside and then moved: several test files build at the same time. */
function build(directory: string, program: string, what: string, forWindows = false): string {
  mkdirSync(built, { recursive: true });
  const path = join(built, program);
  const fresh = `${path}.${process.pid}`;
  execFileSync("go", ["build", "-o", fresh, what], {
    cwd: directory,
    env: forWindows ? { ...process.env, GOOS: "windows" } : process.env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  renameSync(fresh, path);
  return path;
}

let goEnd: string | undefined;

/** Where the Go programs are built already, if they are: under Wine there is no Go. */
const builtAlready = process.env["SEALPIPE_TEST_GO_PEERS"];

/** Builds the Go library's end, once in a process, and returns its path. Quick when Go has built it before. */
export function buildGoEnd(platform: "win32" | "native" = "native"): string {
  const forWindows = platform === "win32" || process.platform === "win32";
  const program = forWindows ? "go-end.exe" : "go-end";
  if (builtAlready !== undefined) return join(builtAlready, program);
  goEnd ??= build(fileURLToPath(new URL("go/", root)), program, "./internal/interop", forWindows);
  return goEnd;
}

/**
 * Builds, once in a process, the program that the tests of golang-ipc v1.2.4 talk to on the Go library's `ipc`: its import path
 * is changed, and nothing else.
 */
export function buildDropIn(): string {
  dropIn ??= buildChanged();
  return dropIn;
}

let dropIn: string | undefined;

function buildChanged(): string {
  const directory = join(built, `drop-in-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  const source = readFileSync(new URL("interop/go/v1.2.4/main.go", root), "utf8");
  const changed = source.replace('"github.com/james-barrow/golang-ipc"', '"sealpipe/ipc"');
  if (changed === source) throw new Error("the import of golang-ipc was not found");
  writeFileSync(join(directory, "main.go"), changed);
  const library = fileURLToPath(new URL("go/", root));
  const peer = fileURLToPath(new URL("interop/go/peer/", root));
  writeFileSync(
    join(directory, "go.mod"),
    `module drop-in\n\ngo 1.24\n\nrequire (\n\tsealpipe v0.0.0\n\tsealpipe.test/interop/peer v0.0.0\n)\n\n` +
      `replace sealpipe => ${library}\n\nreplace sealpipe.test/interop/peer => ${peer}\n`,
  );
  execFileSync("go", ["mod", "tidy"], { cwd: directory, stdio: "ignore" });
  try {
    return build(directory, "drop-in", ".");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A server of the Go library for hostile peers, which writes messages back or reads none. */
export function startAttackedGoServer(
  role: "attacked" | "unread",
  name: string,
  options: string,
): LinesProcess {
  return new LinesProcess(buildGoEnd(), [role, name, options]);
}

/** A process of the Go library that starts servers when it is told to, as `startStarter` does. */
export function startGoStarter(): LinesProcess {
  return new LinesProcess(buildGoEnd(), ["starter"]);
}

/** A process of the Go library, as a server or a client. */
export class GoEnd extends OtherEnd {
  constructor(role: "server" | "client", name: string, ...flags: readonly string[]) {
    super(buildGoEnd(), [role, "--name", name, ...flags]);
  }
}
