// What connecting costs: `npm run bench -- --connects`. Connects a second, one after the other and many at once, and the longest
// turn of the server's event loop meanwhile: how long it lasted, and the processor time that its thread had in it, without that
// for which the system let other threads run. `--package DIR` measures another package of the library, too, in turns with
// this one. The clients of a measurement are in a process of their own, and so is the server.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./measure.ts";
import { entryOf, type Library } from "./package.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    count: { type: "string", default: "200" },
    package: { type: "string" },
    role: { type: "string" },
    library: { type: "string", default: "" },
    name: { type: "string", default: "" },
    plain: { type: "boolean", default: false },
  },
});
const count = Number(values.count);

interface Connects {
  /** A second, one after the other. */
  readonly inTurn: number;
  /** A second, all at once. */
  readonly atOnce: number;
}

/** Of the server's event loop, in milliseconds. */
interface Turns {
  /** The longest one, by the clock. */
  readonly longest: number;
  /** What the one that worked the longest had of the processor. */
  readonly hardest: number;
}

type Figures = Connects & Turns;

async function serve({ startServer }: Library): Promise<void> {
  await startServer(values.name, { encryption: !values.plain });
  let turns: Turns = { longest: 0, hardest: 0 };
  let last = performance.now();
  let used = process.threadCpuUsage();
  setInterval(() => {
    const now = performance.now();
    const { user, system } = process.threadCpuUsage(used);
    const { longest, hardest } = turns;
    turns = { longest: Math.max(longest, now - last), hardest: Math.max(hardest, (user + system) / 1e3) };
    last = now;
    used = process.threadCpuUsage();
  }, 1);
  process.on("message", () => {
    process.send?.(turns);
    turns = { longest: 0, hardest: 0 };
  });
  process.on("disconnect", () => process.exit());
  process.send?.("listens");
}

async function connect({ startClient }: Library, tell: () => Promise<unknown>): Promise<Connects> {
  const start = () => startClient(values.name, { encryption: !values.plain });
  const rate = (started: number) => (count * 1e3) / (performance.now() - started);
  // The first handshakes are slower than all others: code is compiled, and no key pair is made ahead.
  for (let made = 0; made < 20; made++) await (await start()).close();
  let started = performance.now();
  for (let made = 0; made < count; made++) await (await start()).close();
  const inTurn = rate(started);
  await tell();
  started = performance.now();
  const clients = await Promise.all(Array.from({ length: count }, start));
  const atOnce = rate(started);
  await tell();
  await Promise.all(clients.map((client) => client.close()));
  return { inTurn, atOnce };
}

async function measure(library: string, plain: boolean): Promise<Figures> {
  const name = `sealpipe-bench-connects-${process.pid}-${performance.now().toFixed(0)}`;
  const file = fileURLToPath(import.meta.url);
  const given = [
    "--library",
    library,
    "--name",
    name,
    "--count",
    values.count,
    ...(plain ? ["--plain"] : []),
  ];
  const start = (role: string): ChildProcess => fork(file, ["--role", role, ...given]);
  const server = start("server");
  await once(server, "message");
  const clients = start("clients");
  let turns: Turns = { longest: 0, hardest: 0 };
  for (;;) {
    const [message] = (await once(clients, "message")) as ["look" | Connects];
    if (message !== "look") {
      clients.disconnect();
      server.disconnect();
      await Promise.all([once(clients, "exit"), once(server, "exit")]);
      return { ...message, ...turns };
    }
    server.send("look");
    [turns] = (await once(server, "message")) as [Turns];
    clients.send("looked");
  }
}

if (values.role === undefined) {
  const libraries = [["this", entryOf()]];
  if (values.package !== undefined) libraries.push(["the other package", entryOf(values.package)]);
  const rows = libraries.flatMap(([title, library]) =>
    [false, true].map((plain) => ({
      title: `${title}, ${plain ? "plain" : "encrypted"}`,
      library: library as string,
      plain,
      figures: [] as Figures[],
    })),
  );
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const row of rows) row.figures.push(await measure(row.library, row.plain));
  }
  for (const { title, figures } of rows) {
    const of = (name: keyof Figures, digits: number) =>
      median(figures.map((figure) => figure[name])).toFixed(digits);
    const connects = `connects a second: ${of("inTurn", 0)} in turn, ${of("atOnce", 0)} of ${count} at once`;
    const turns = `longest turn ${of("longest", 1)} ms, hardest ${of("hardest", 1)} ms`;
    console.log(`${title.padEnd(26)} ${connects}; ${turns}`);
  }
} else {
  const library = (await import(values.library)) as Library;
  if (values.role === "server") await serve(library);
  else {
    const tell = async () => {
      process.send?.("look");
      await once(process, "message");
    };
    process.send?.(await connect(library, tell));
    process.on("disconnect", () => process.exit());
  }
}
