import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

const maxLines = 1_000;

/** Where the XDG base directory specification has what a program remembers. */
function historyFile(): string {
  const { XDG_STATE_HOME: given } = process.env;
  const state = given !== undefined && isAbsolute(given) ? given : join(homedir(), ".local", "state");
  return join(state, "sealpipe", "history");
}

/** Earlier lines, the last one first. None if they cannot be read. */
export async function loadHistory(): Promise<string[]> {
  const file = historyFile();
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "");
  if (lines.length > 2 * maxLines) {
    const kept = lines.slice(-maxLines);
    await writeFile(file, `${kept.join("\n")}\n`, { mode: 0o600 }).catch(() => {});
  }
  return lines.slice(-maxLines).reverse();
}

/** To remember a line is no reason to fail. */
export async function appendHistory(line: string): Promise<void> {
  const file = historyFile();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => {});
  await appendFile(file, `${line}\n`, { mode: 0o600 }).catch(() => {});
}
