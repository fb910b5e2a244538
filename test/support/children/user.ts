// Becomes another user and does what it is told, one command a line of JSON.
// Usage: node user.js UID. Commands: {"do": "serve" | "connect", "name", "options"}, {"do": "listen", "path"},
// {"do": "umask", "mask"}, {"do": "end"}.

import { chmodSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { SealpipeError, startClient, startServer } from "sealpipe";

// After the imports: whoever it is need not be able to read these files.
const uid = Number(process.argv[2]);
process.setgroups?.([]);
process.setgid?.(uid);
process.setuid?.(uid);

function say(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function serve(name: string, options: object): Promise<void> {
  const server = await startServer(name, options);
  server.on("message", ({ type, data, connection }) => connection.write(type, data));
  say({ event: "listening" });
}

async function connect(name: string, options: object): Promise<void> {
  const client = await startClient(name, options);
  await client.write(1, "hello");
  say({ event: "answered", text: (await client.read()).text });
  await client.close();
}

/** A listener that any user can connect to, and that says what it hears. */
function listen(path: string): void {
  const server = createServer((socket) => {
    let bytes = 0;
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    socket.on("close", () => say({ event: "heard", bytes }));
    socket.on("error", () => {});
  });
  server.listen(path, () => {
    chmodSync(path, 0o777);
    say({ event: "listening" });
  });
}

async function obey(command: Record<string, unknown>): Promise<void> {
  const { name, options, path } = command as { name: string; options: object; path: string };
  switch (command["do"]) {
    case "serve":
      return serve(name, options);
    case "connect":
      return connect(name, options);
    case "listen":
      return listen(path);
    case "umask":
      process.umask(Number(command["mask"]));
      return;
    default:
      process.exit();
  }
}

say({ event: "ready", uid: process.geteuid?.() });
for await (const line of createInterface({ input: process.stdin })) {
  await obey(JSON.parse(line)).catch((error: unknown) => {
    if (!(error instanceof SealpipeError)) throw error;
    say({ event: "failed", code: error.code, message: error.message });
  });
}
