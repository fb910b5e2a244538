import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { namePrefix } from "../support/names.ts";
import { forwardingDll } from "./forwarding-dll.ts";

/** Debian's package `wine64` alone puts nothing where programs are looked for. */
const wine = firstThatRuns("wine64", "/usr/lib/wine/wine64");
const wineserver = firstThatRuns("wineserver", "/usr/lib/wine/wineserver");

/** Why nothing can run on Wine here. */
export const lacksWine = wine === undefined || wineserver === undefined ? "wine64 is not installed" : false;

const prefix = fileURLToPath(new URL("../../wine", import.meta.url));

export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Makes a Windows 10 of the tests' own, where there is none yet. */
export async function prepareWine(): Promise<void> {
  if (existsSync(prefix)) return;
  // Made aside and moved: several test files may want it at the same time.
  const fresh = `${prefix}.${process.pid}`;
  const inFresh = { environment: { WINEPREFIX: fresh } };
  mkdirSync(fresh, { recursive: true });
  await runOnWine(["wineboot", "--init"], inFresh);
  await runOnWine(["winecfg", "/v", "win10"], inFresh);
  for (const option of ["-k", "-w"]) {
    spawnSync(wineserver as string, [option], { env: { ...wineEnvironment(), ...inFresh.environment } });
  }
  // Go's programs want random bytes of this library, which Wine 8 lacks. Another function of Windows' is the same.
  const forwarding = {
    library: "bcryptprimitives.dll",
    function: "ProcessPrng",
    target: "advapi32.SystemFunction036",
  };
  writeFileSync(join(fresh, "drive_c/windows/system32", forwarding.library), forwardingDll(forwarding));
  if (existsSync(prefix)) rmSync(fresh, { recursive: true });
  else renameSync(fresh, prefix);
}

/** A path of this machine, as Windows' programs have it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

/**
 * Runs a program of Windows' to its end. What it says goes to a file: on Wine 8, Node's standard output fails where it is
 * a pipe from outside.
 */
export async function runOnWine(
  command: readonly string[],
  { environment = {}, timeoutMs = 120_000 }: { environment?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<Ran> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-wine-`));
  const file = join(directory, "output");
  const output = openSync(file, "w");
  try {
    const child = spawn(wine as string, command, {
      env: { ...wineEnvironment(), ...environment },
      // In a group of its own, so that what it started can be ended with it.
      detached: true,
      stdio: ["ignore", output, output],
    });
    const exitCode = await exitWithin(child, timeoutMs);
    return { exitCode, output: readFileSync(file, "utf8") };
  } finally {
    closeSync(output);
    rmSync(directory, { recursive: true });
  }
}

async function exitWithin(child: ChildProcess, timeoutMs: number): Promise<number | null> {
  const timer = setTimeout(() => process.kill(-(child.pid as number), "SIGKILL"), timeoutMs);
  const [exitCode] = (await once(child, "exit")) as [number | null];
  clearTimeout(timer);
  return exitCode;
}

/** Nothing of Node's, such as where to put coverage, which means nothing there. */
function wineEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    WINEPREFIX: prefix,
    WINEDEBUG: "-all",
    WINEDLLOVERRIDES: "mscoree,mshtml=",
    DISPLAY: "",
  };
}

function firstThatRuns(...commands: readonly string[]): string | undefined {
  return commands.find((command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0);
}
