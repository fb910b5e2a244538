import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
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

const prepared = fileURLToPath(new URL("../../wine", import.meta.url));

/** Wine 8's server dies of a use of freed memory, about once in ten runs of the suite, whatever has just been done. */
const attempts = 3;

export interface Ran {
  readonly exitCode: number | null;
  readonly output: string;
  /** How often this was begun again, because Wine's own server had died beneath it. */
  readonly crashes: number;
}

/** Makes a Windows 10 of the tests' own, where there is none yet. */
export async function prepareWine(): Promise<void> {
  if (existsSync(prepared)) return;
  // Made aside and moved: several test files may want it at the same time.
  const { made, remove } = await unlessWineCrashes(makeWindows);
  if (!existsSync(prepared)) renameSync(made, prepared);
  remove();
}

async function makeWindows(): Promise<{ made: string; remove: () => void }> {
  const home = `${prepared}.${process.pid}`;
  // Of a try that crashed.
  rmSync(home, { recursive: true, force: true });
  const windows = new Windows(home);
  await windows.use(async () => {
    await windows.run(["wineboot", "--init"]);
    await windows.run(["winecfg", "/v", "win10"]);
  });
  // Go's programs want random bytes of this library, which Wine 8 lacks. Another function of Windows' is the same.
  const forwarding = {
    library: "bcryptprimitives.dll",
    function: "ProcessPrng",
    target: "advapi32.SystemFunction036",
  };
  writeFileSync(
    join(windows.prefix, "drive_c/windows/system32", forwarding.library),
    forwardingDll(forwarding),
  );
  return { made: windows.prefix, remove: () => windows.remove() };
}

/** A path of this machine, as Windows' programs have it. */
export function windowsPath(path: string): string {
  return `Z:${path.replaceAll("/", "\\")}`;
}

/**
 * Runs a program of Windows' to its end, on a Windows of its own. What it says goes to a file: on Wine 8, Node's standard
 * output fails where it is a pipe from outside.
 */
export async function runOnWine(
  command: readonly string[],
  { environment = {}, timeoutMs = 120_000 }: { environment?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<Ran> {
  return await unlessWineCrashes(async (crashes) => {
    const windows = new Windows(mkdtempSync(join(tmpdir(), `${namePrefix}-wine-`)));
    try {
      windows.copy(prepared);
      const ran = await windows.use(() => windows.run(command, { environment, timeoutMs }));
      return { ...ran, crashes };
    } finally {
      windows.remove();
    }
  });
}

class WineCrashed extends Error {}

async function unlessWineCrashes<T>(attempt: (crashes: number) => Promise<T>): Promise<T> {
  for (let crashes = 0; ; crashes++) {
    try {
      return await attempt(crashes);
    } catch (error) {
      if (!(error instanceof WineCrashed) || crashes + 1 === attempts) throw error;
    }
  }
}

/** One installation and the server that all of its programs talk to, which is seen to end by being a child of ours. */
class Windows {
  readonly #home: string;
  readonly prefix: string;
  readonly #crash = new AbortController();

  constructor(home: string) {
    this.#home = home;
    this.prefix = join(home, "prefix");
    mkdirSync(this.prefix, { recursive: true });
    mkdirSync(join(home, "server"), { mode: 0o700 });
    // In this file Debian's Wine looks up where within TMPDIR its server's socket is. Without one, each program makes its
    // own, and two that start at the same moment are on different servers.
    writeFileSync(join(this.prefix, "wineserver"), "server", { mode: 0o400 });
  }

  /** Its registry is copied, and its drive shared. */
  copy(from: string): void {
    for (const entry of readdirSync(from)) {
      if (entry === "drive_c" || entry === "wineserver") continue;
      cpSync(join(from, entry), join(this.prefix, entry), { recursive: true, verbatimSymlinks: true });
    }
    symlinkSync(join(from, "drive_c"), join(this.prefix, "drive_c"));
  }

  /** @throws WineCrashed where its server ends by itself before that is done. */
  async use<T>(action: () => Promise<T>): Promise<T> {
    const server = spawn(wineserver as string, ["-f", "-p"], {
      env: this.#environment(),
      // It tells there that it crashed.
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = once(server, "exit").then(([code, signal]) => {
      this.#crash.abort(new WineCrashed(`Wine's server ended by itself: ${signal ?? `exit code ${code}`}`));
    });
    try {
      while (!this.#serverRuns()) this.#crash.signal.throwIfAborted();
      const result = await action();
      this.#crash.signal.throwIfAborted();
      return result;
    } finally {
      spawnSync(wineserver as string, ["-k"], { env: this.#environment() });
      await ended;
      this.#killAll();
    }
  }

  #serverRuns(): boolean {
    return spawnSync(wineserver as string, ["-k0"], { env: this.#environment() }).status === 0;
  }

  async run(
    command: readonly string[],
    { environment = {}, timeoutMs = 120_000 }: { environment?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
  ): Promise<Omit<Ran, "crashes">> {
    // Else Wine would start a server of its own for it, which nobody watches.
    this.#crash.signal.throwIfAborted();
    const file = join(this.#home, "output");
    const output = openSync(file, "w");
    try {
      const child = spawn(wine as string, command, {
        env: { ...this.#environment(), ...environment },
        stdio: ["ignore", output, output],
      });
      const end = (): boolean => child.kill("SIGKILL");
      // Without its server it would hang.
      this.#crash.signal.addEventListener("abort", end);
      // By a timer: Node 20 forgets a signal of `AbortSignal.any` that nothing else holds.
      const timer = setTimeout(end, timeoutMs);
      const [exitCode] = (await once(child, "exit")) as [number | null];
      clearTimeout(timer);
      this.#crash.signal.removeEventListener("abort", end);
      return { exitCode, output: readFileSync(file, "utf8") };
    } finally {
      closeSync(output);
    }
  }

  /** Programs that a dead server left behind run on, each in a session of its own. */
  #killAll(): void {
    for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        const itsEnvironment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
        if (itsEnvironment.includes(`WINEPREFIX=${this.prefix}`)) process.kill(Number(pid), "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** Nothing of Node's, such as where to put coverage, which means nothing there. */
  #environment(): NodeJS.ProcessEnv {
    const { PATH, HOME, SEALPIPE_TEST_RUN } = process.env;
    return {
      PATH,
      HOME,
      SEALPIPE_TEST_RUN,
      TMPDIR: this.#home,
      WINEPREFIX: this.prefix,
      WINEDEBUG: "-all",
      WINEDLLOVERRIDES: "mscoree,mshtml=",
      DISPLAY: "",
    };
  }
}

function firstThatRuns(...commands: readonly string[]): string | undefined {
  return commands.find((command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0);
}
