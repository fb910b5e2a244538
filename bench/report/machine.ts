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
  readonly packages: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const golangIpc = readFileSync(new URL("../go/go.mod", import.meta.url), "utf8").match(
    /golang-ipc (v\S+)/,
  )?.[1];
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    // What a distribution or a host puts behind the version is of no use to others.
    system: `${type()} ${release().replace(/-.*/, "")}`,
    node: process.version,
    go: goVersion(),
    packages: { ...manifest.dependencies, "golang-ipc": golangIpc },
  };
}

function goVersion(): string | undefined {
  try {
    return execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}
