import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../../examples/demo/go/", import.meta.url));

export const isGoInstalled = (): boolean => spawnSync("go", ["version"], { stdio: "ignore" }).status === 0;

/** Builds the client in Go, has it greet the server with `text`, and returns what it printed. */
export async function greetFromGo(name: string, text: string): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), "sealpipe-demo-"));
  try {
    const program = join(directory, "client");
    const built = spawnSync("go", ["build", "-o", program, "."], { cwd: source, stdio: ["ignore", 1, 2] });
    if (built.status !== 0) throw new Error("the client in Go was not built");
    const client = spawn(program, [name, text], { stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    createInterface({ input: client.stdout }).on("line", (line) => {
      lines.push(line);
      console.log(`  ${"Go client".padEnd(9)} ${line}`);
    });
    const [code] = await once(client, "close");
    if (code !== 0) throw new Error(`the client in Go ended with exit code ${code}`);
    return lines;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
