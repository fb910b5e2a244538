import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { isEvent } from "./children.ts";
import { LinesProcess } from "./lines-process.ts";
import { OtherEnd, type OtherLibrary } from "./other-end.ts";
import { times } from "./thorough.ts";
import { skippedFor } from "./toolchains.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function environments(): string[] {
  const directory = join(root, "build/python");
  try {
    return readdirSync(directory).map((environment) => join(directory, environment, "bin/python"));
  } catch {
    return [];
  }
}

const canRun = (interpreter: string): boolean =>
  spawnSync(interpreter, ["-c", "import cryptography"], { stdio: "ignore" }).status === 0;

/** One that has what the library for Python needs, if there is one. */
const python = [...environments(), process.env["PYTHON"] ?? "python3"].find(canRun);

/** Runs a program on the library of this checkout; `more`: further directories of modules. */
export function pythonCommand(more: readonly string[] = []): { command: string; env: NodeJS.ProcessEnv } {
  const path = [join(root, "python/src"), ...more].join(process.platform === "win32" ? ";" : ":");
  return {
    command: python as string,
    env: { ...process.env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: "1" },
  };
}

/** What node:test takes as `skip`. */
export function lacksPython(): string | false {
  return skippedFor(python === undefined && "there is no Python with the package cryptography");
}

/** A process of the Python library that starts servers when it is told to, as `startStarter` does. */
export async function startPythonStarter(): Promise<LinesProcess> {
  const program = join(root, "python/tests/support/starter.py");
  const { command, env } = pythonCommand();
  const starter = new LinesProcess(command, [program], { env });
  after(() => starter.kill());
  await starter.until(isEvent("ready"));
  return starter;
}

/** A server of the Python library for hostile peers, which writes messages back or reads none. */
export function startAttackedPythonServer(
  role: "attacked" | "unread",
  name: string,
  options: string,
): LinesProcess {
  const program = join(root, "python/tests/support/attacked.py");
  const { command, env } = pythonCommand();
  const server = new LinesProcess(command, [program, role, name, options], { env });
  after(() => server.kill());
  return server;
}

/** The program of the sidecar of the tests, as a command. It finds the library by itself. */
export function pythonSidecar(
  face: "asyncio" | "blocking",
  ...args: readonly string[]
): [string, ...string[]] {
  const child = join(root, "python/tests/support/sidecar_child.py");
  return [python as string, child, face, ...args];
}

const path = join(root, "python/src");

/** A process of the Python library, as a server or a client. */
class PythonEnd extends OtherEnd {
  constructor(program: string, ...args: readonly string[]) {
    const file = join(root, "python/tests/support", program);
    super(python as string, [file, ...args], { env: { ...process.env, PYTHONPATH: path } });
  }
}

/** The library for Python, as other languages are. */
export const pythonLibrary: OtherLibrary = {
  name: "Python",
  skip: lacksPython(),
  program: "python",
  handshakes: times(500),
  // Each starts three interpreters.
  races: 5,
  prepare: () => {},
  start: (role, name, ...flags) => new PythonEnd("interop_end.py", role, "--name", name, ...flags),
  shakeHands: (name, rounds) => new PythonEnd("interop_end.py", "handshakes", name, String(rounds)),
};

/** The same on its blocking face. */
export const blockingPythonLibrary: OtherLibrary = {
  ...pythonLibrary,
  name: "blocking Python",
  handshakes: times(20),
  handlersHearOfCancels: false,
  start: (role, name, ...flags) => new PythonEnd("interop_blocking.py", role, "--name", name, ...flags),
  shakeHands: (name, rounds) => new PythonEnd("interop_blocking.py", "handshakes", name, String(rounds)),
};
