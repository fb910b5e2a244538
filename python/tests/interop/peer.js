// The TypeScript library as a process that takes the commands of interop/go/README.md, for the Python tests.
// Usage: node peer.js server|client|handshakes --name N [--encryption=true|false] [--count N] [--echo] [--retry-ms N]

import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { startClient, startServer } from "sealpipe";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: "string", default: "" },
    encryption: { type: "string", default: "true" },
    count: { type: "string", default: "1" },
    echo: { type: "boolean", default: false },
    "retry-ms": { type: "string", default: "100" },
  },
});
const [role] = positionals;
const options = { encryption: values.encryption === "true" };

function tell(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function pattern(bytes, seed) {
  return Uint8Array.from({ length: bytes }, (_, i) => i * 31 + seed * 17 + (i >> 8) * 7);
}

function numbered(bytes, number) {
  const data = new Uint8Array(bytes);
  new DataView(data.buffer).setBigUint64(0, BigInt(number));
  return data;
}

let quiet = false;
let echoing = values.echo;
const tally = { messages: 0, inOrder: true, last: undefined };

function count(data) {
  tally.messages += 1;
  if (data.length < 8) return;
  const number = new DataView(data.buffer, data.byteOffset).getBigUint64(0);
  tally.inOrder &&= tally.last === undefined || number === tally.last + 1n;
  tally.last = number;
}

/** A message of type 7 is to be refused: it asks for one of type 0. */
async function echo(type, data, target) {
  if (type !== 7) return target.write(type, data);
  try {
    await target.write(0, data);
  } catch ({ code }) {
    if (code !== "ERR_RESERVED_TYPE") throw new Error(`a message of type 0 gave ${code}`);
  }
}

async function received({ type, data, text }, target) {
  count(data);
  if (echoing) await echo(type, data, target);
  if (quiet) return;
  const sha256 = createHash("sha256").update(data).digest("hex");
  tell({ event: "message", type, bytes: data.length, sha256, ...(data.length <= 256 && { text }) });
}

async function obey(line, target) {
  const { id } = line;
  switch (line.do) {
    case "write":
      for (let i = 0; i < (line.count ?? 1); i++) {
        await target().write(line.type, line.text ?? pattern(line.bytes, line.seed + i));
      }
      return tell({ event: "written", id });
    case "sequence":
      for (let i = 0; i < line.count; i++) await target().write(line.type, numbered(line.bytes, i));
      return tell({ event: "written", id });
    case "echo":
      echoing = line.on;
      break;
    case "quiet":
      quiet = line.on;
      break;
    case "count":
      return tell({ event: "count", id, messages: tally.messages, inOrder: tally.inOrder });
  }
  if (id !== undefined) tell({ event: "ok", id });
}

async function obeyAll(target) {
  for await (const line of createInterface({ input: process.stdin })) await obey(JSON.parse(line), target);
}

async function serve() {
  const server = await startServer(values.name, options);
  let latest;
  server.on("connection", (connection) => {
    latest = connection;
    tell({ event: "status", status: "connected" });
    connection.on("message", (message) => received(message, connection));
    connection.on("close", () => tell({ event: "status", status: "disconnected" }));
  });
  server.on("error", ({ code }) => tell({ event: "error", error: code, fatal: false }));
  tell({ event: "status", status: "listening" });
  await obeyAll(() => latest);
  await server.close();
}

async function connect() {
  const client = await startClient(values.name, { ...options, retryDelayMs: Number(values["retry-ms"]) });
  tell({ event: "status", status: "connected" });
  client.on("status", (status) => tell({ event: "status", status }));
  client.on("message", (message) => received(message, client));
  await obeyAll(() => client);
  await client.close();
}

async function handshakes() {
  for (let round = 0; round < Number(values.count); round++) {
    const client = await startClient(values.name, options);
    await client.write(7, numbered(8, round));
    const { data } = await client.read({ timeoutMs: 10_000 });
    if (!Buffer.from(data).equals(numbered(8, round))) throw new Error(`another message came back: ${data}`);
    await client.close();
  }
  tell({ event: "done", rounds: Number(values.count) });
}

await { server: serve, client: connect, handshakes }[role]();
