import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, type } from "node:os";

/** Where the figures come from, and of which versions. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly system: string;
  readonly node: string;
  readonly go: string | undefined;
  readonly python: string | undefined;
  readonly packages: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const modules = readFileSync(new URL("../go/go.mod", import.meta.url), "utf8");
  const versionOf = (module: string): string =>
    modules.match(new RegExp(`${module} (v\\S+)`))?.[1] ?? "unknown";
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    // What a distribution or a host puts behind the version is of no use to others.
    system: `${type()} ${release().replace(/-.*/, "")}`,
    node: process.version,
    go: versionFrom("go", ["env", "GOVERSION"]),
    python: versionFrom("python3", ["--version"]),
    packages: {
      ...manifest.dependencies,
      "golang-ipc": versionOf("golang-ipc"),
      "grpc-go": versionOf("google.golang.org/grpc"),
      ...pythonPackages(),
    },
  };
}

/** Those of the program in Python, in the versions that it pins. */
function pythonPackages(): Readonly<Record<string, string>> {
  const requirements = readFileSync(new URL("../python/requirements.txt", import.meta.url), "utf8");
  return Object.fromEntries(
    [...requirements.matchAll(/^([\w.-]+)==(\S+)$/gm)].map(([, name, version]) => [name, version]),
  );
}

function versionFrom(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}
