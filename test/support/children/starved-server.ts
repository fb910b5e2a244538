// A server that writes each message back and can be left without a descriptor. It says what happens on its standard output,
// a line of JSON each. Usage: node starved-server.js NAME, with a low `ulimit -n`. Commands: {"do": "starve"}, {"do": "feed"},
// {"do": "end"}.

import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { startServer } from "sealpipe";

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const held: number[] = [];

function takeEveryDescriptor(): void {
  try {
    for (;;) held.push(openSync("/dev/null", "r"));
  } catch {
    say({ event: "starved" });
  }
}

const server = await startServer(process.argv[2] as string);
let errors = 0;
server.on("error", () => {
  errors += 1;
});
server.on("message", ({ type, data, connection }) => void connection.write(type, data));
say({ event: "listening" });

for await (const line of createInterface({ input: process.stdin })) {
  const { do: command } = JSON.parse(line);
  if (command === "end") break;
  if (command === "starve") {
    takeEveryDescriptor();
  } else {
    for (const descriptor of held.splice(0)) closeSync(descriptor);
    say({ event: "fed", errors });
  }
}
await server.close();
process.exit();
