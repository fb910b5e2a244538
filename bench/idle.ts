// What an idle native connection holds: `npm run bench -- --idle`. First in V8's heap, at both ends, and of which classes: the
// difference between two heap snapshots. Then in all of the server's process, beside a bare socket: after a collection of garbage, and
// without the room that V8 keeps for young objects, which it has once, however many connections there are.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect as connectTo, createServer } from "node:net";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { getHeapSnapshot } from "node:v8";
import { startClient, startServer } from "../build/bundle/index.js";
import { socketPath } from "./peers/peer.ts";

const warmUp = 100;
const connections = 500;
/** For the process: so many that what it has once hardly shows. */
const manyConnections = 3_000;
/** Classes that have more than this for each connection are printed, in bytes. */
const printedBytes = 100;

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

interface Held {
  readonly count: number;
  readonly bytes: number;
}

type Classes = Record<string, Held>;

/** What the heap of this process holds, by class. Taking a snapshot collects the garbage first. */
async function look(): Promise<Classes> {
  const { snapshot, nodes, strings } = (await json(getHeapSnapshot())) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ["type", "name", "self_size"].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const classes: Classes = {};
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[0][nodes[at + type] as number] as string;
    const isNamed = kind === "object" || kind === "closure" || kind === "native";
    const key = isNamed ? `${kind} ${strings[nodes[at + name] as number]}`.slice(0, 60) : kind;
    const { count, bytes } = classes[key] ?? { count: 0, bytes: 0 };
    classes[key] = { count: count + 1, bytes: bytes + (nodes[at + size] as number) };
  }
  return classes;
}

function print(end: string, before: Classes, after: Classes): void {
  const each = Object.entries(after).map(([key, { count, bytes }]) => ({
    key,
    count: (count - (before[key]?.count ?? 0)) / connections,
    bytes: (bytes - (before[key]?.bytes ?? 0)) / connections,
  }));
  const total = each.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`\n${end}: ${(total / 1_024).toFixed(1)} KiB for each idle connection, of which`);
  const large = each.filter(({ bytes }) => bytes > printedBytes).sort((a, b) => b.bytes - a.bytes);
  for (const { key, count, bytes } of large) {
    console.log(`${bytes.toFixed(0).padStart(6)} bytes in ${count.toFixed(1).padStart(5)}  ${key}`);
  }
}

/** How a client connects, by what is measured. */
const kinds: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
  encrypted: (name) => startClient(name),
  plain: (name) => startClient(name, { encryption: false }),
  "a bare socket": async (name) => {
    const socket = connectTo(socketPath(name)).on("error", () => {});
    socket.write("?");
    await once(socket, "data");
    return socket;
  },
};

async function serve(name: string, kind: string): Promise<void> {
  if (kind !== "a bare socket")
    await startServer(name, { encryption: kind === "encrypted", maxConnections: 2 * manyConnections });
  else await once(createServer((socket) => socket.pipe(socket)).listen(socketPath(name)), "listening");
}

function startServing(name: string, kind: string): ChildProcess {
  const execArgv = [...process.execArgv, "--expose-gc", "--max-semi-space-size=1"];
  return fork(fileURLToPath(import.meta.url), ["server", name, kind], { execArgv });
}

async function ask<T>(server: ChildProcess, what: "classes" | "resident"): Promise<T> {
  server.send(what);
  const [answer] = (await once(server, "message")) as [T];
  return answer;
}

/** What a server's process has in memory for each of many connections. */
async function measureProcess(kind: string): Promise<void> {
  const name = `sealpipe-bench-idle-${process.pid}-${kind.replaceAll(" ", "-")}`;
  const server = startServing(name, kind);
  await once(server, "message");
  const clients: unknown[] = [];
  const connect = async (count: number): Promise<void> => {
    for (let made = 0; made < count; made++) clients.push(await kinds[kind]?.(name));
  };
  await connect(warmUp);
  const before = await ask<number>(server, "resident");
  await connect(manyConnections);
  const grown = (await ask<number>(server, "resident")) - before;
  console.log(`${(grown / manyConnections / 1_024).toFixed(1).padStart(6)} KiB  ${kind}`);
  const ended = once(server, "exit");
  server.disconnect();
  await ended;
}

function residentBytes(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

const [role, name = `sealpipe-bench-idle-${process.pid}`, kind = "encrypted"] = process.argv.slice(2);
if (role === "server") {
  await serve(name, kind);
  process.on("message", (what) => {
    if (what === "resident") process.send?.(residentBytes());
    else void look().then((classes) => process.send?.(classes));
  });
  process.on("disconnect", () => process.exit());
  process.send?.("listens");
} else {
  const server = startServing(name, kind);
  await once(server, "message");
  const clients: unknown[] = [];
  const connect = async (count: number): Promise<void> => {
    for (let made = 0; made < count; made++) clients.push(await startClient(name));
  };
  await connect(warmUp);
  const before = [await ask<Classes>(server, "classes"), await look()] as const;
  await connect(connections);
  print("server", before[0], await ask<Classes>(server, "classes"));
  print("client", before[1], await look());
  const ended = once(server, "exit");
  server.disconnect();
  await ended;
  console.log("\nof a server's process, for each idle connection:");
  for (const measured of Object.keys(kinds)) await measureProcess(measured);
  process.exit();
}
