import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";

const dist = new URL("../../../dist/", import.meta.url);

/** The built files of one folder of the source. */
export function filesOf(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, dist), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js"))
    .map((file) => `${folder}/${file}`);
}

/** Loads that file first of all, in a process of its own: the exit code, and what was said. */
export async function loadFirst(file: string): Promise<{ code: number | null; said: string }> {
  const program = `await import(${JSON.stringify(new URL(file, dist).href)})`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      said += chunk;
    });
  }
  const [code] = await once(child, "close");
  return { code, said };
}
