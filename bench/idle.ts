// What V8's heap holds for each idle native connection, at both ends, and of which classes: `npm run bench -- --idle`. What is
// counted is the difference between two heap snapshots, so it is what is in use, without the room that V8 keeps for young objects.

import { fork } from "node:child_process";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { getHeapSnapshot } from "node:v8";
import { startClient, startServer } from "../dist/index.js";

const warmUp = 100;
const connections = 500;
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

const [role, name = `sealpipe-bench-idle-${process.pid}`] = process.argv.slice(2);
if (role === "server") {
  await startServer(name);
  process.on("message", () => void look().then((classes) => process.send?.(classes)));
  process.on("disconnect", () => process.exit());
  process.send?.("listens");
} else {
  const server = fork(fileURLToPath(import.meta.url), ["server", name]);
  await once(server, "message");
  const clients: unknown[] = [];
  const connect = async (count: number): Promise<void> => {
    for (let made = 0; made < count; made++) clients.push(await startClient(name));
  };
  const lookAtServer = async (): Promise<Classes> => {
    server.send("look");
    const [classes] = (await once(server, "message")) as [Classes];
    return classes;
  };
  await connect(warmUp);
  const before = [await lookAtServer(), await look()] as const;
  await connect(connections);
  print("server", before[0], await lookAtServer());
  print("client", before[1], await look());
  server.disconnect();
  process.exit();
}
