// One of the two processes. Arguments: the peer's file and its options. Commands come on stdin, answers go to stdout.

import { createInterface } from "node:readline";
import type { CreatePeer } from "../peers/peer.ts";
import type { Answer } from "./commands.ts";
import { Worker } from "./worker.ts";

const [file, options] = process.argv.slice(2) as [string, string];
const { createPeer } = (await import(`../peers/${file}.ts`)) as { createPeer: CreatePeer };
const worker = new Worker(await createPeer(JSON.parse(options)), tell);

for await (const line of createInterface({ input: process.stdin })) {
  try {
    answer(await worker.obey(JSON.parse(line)));
  } catch (error) {
    tell(error);
  }
}
process.exit(0);

function tell(error: unknown): void {
  const code = error instanceof Error && "code" in error ? `${error.code}: ` : "";
  answer({ error: code + (error instanceof Error ? error.message : String(error)) });
}

function answer(content: Answer): void {
  process.stdout.write(`${JSON.stringify(content)}\n`);
}
