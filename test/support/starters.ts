import type { TestContext } from "node:test";
import { isEvent, startChild } from "./children.ts";
import { clientAt } from "./endpoints.ts";
import type { Line, LinesProcess } from "./lines-process.ts";

export const starterName = "my-app";
const encryption = false;

export function isOutcome({ event }: Line): boolean {
  return event === "listening" || event === "failed";
}

/** A process that starts servers when it is told to. */
export async function startStarter(): Promise<LinesProcess> {
  const starter = startChild("starter");
  await starter.until(isEvent("ready"));
  return starter;
}

export function tellToStart(starter: LinesProcess, directory: string, at = 0): void {
  starter.command({ do: "start", name: starterName, options: { directory, encryption }, at });
}

/** Which process answers at the address. */
export async function whoAnswers(t: TestContext, directory: string): Promise<number> {
  const client = await clientAt(t, starterName, { directory, encryption });
  await client.write(1, "who are you?");
  const { text } = await client.read({ timeoutMs: 20_000 });
  await client.close();
  return Number(text);
}
