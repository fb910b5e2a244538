import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { before, describe, type TestContext, test } from "node:test";
import type { Server } from "sealpipe";
import {
  clientExample,
  type Example,
  ExamplePrograms,
  examples,
  serverExample,
} from "../support/documentation-examples.ts";
import { clientAt, serverAt } from "../support/endpoints.ts";
import { attackServer } from "../support/hostile-clients.ts";
import { attackClient } from "../support/hostile-servers.ts";
import { freshName } from "../support/names.ts";
import { thorough } from "../support/thorough.ts";

const timeout = 60_000;

/** A program that does with a client or a server what the documentation says that one may. */
function written(title: string, code: string): Example {
  const starts = ["startServer", "startClient"].filter((call) => code.includes(call));
  return { title, code: `import { ${starts.join(", ")} } from "sealpipe";\n${code}` };
}

const start = 'const server = await startServer("my-app");';
const end = "await server.close();";

const servers = [
  written(
    "a server with a listener that does not wait",
    `${start} server.on("message", ({ connection, type, text }) => void connection.write(type, "You said: " + text)); ${end}`,
  ),
  written(
    "a server with a listener that answers much to little",
    `${start} const much = new Uint8Array(1_000_000);
    server.on("message", ({ connection, type }) => void connection.write(type, much)); ${end}`,
  ),
  written(
    "a server with an async listener that waits for each write",
    `${start} server.on("message", async ({ connection, type, data }) => await connection.write(type, data)); ${end}`,
  ),
  written(
    "a server with a loop over all messages",
    `${start} const loop = async () => {
      for await (const { connection, type, data } of server) void connection.write(type, data);
    };
    const looping = loop(); ${end} await looping;`,
  ),
  written(
    "a server with listeners that read, ask and flush",
    `${start} server.on("connection", async (connection) => {
      await connection.request(1, "Who is there?", { timeoutMs: 100 });
      await connection.flush();
    });
    server.on("connection", async (connection) => { await connection.read({ timeoutMs: 20 }); });
    server.on("message", async ({ connection }) => { await connection.request(2, "Why?", { timeoutMs: 100 }); }); ${end}`,
  ),
  written(
    "a server with handlers that ask back",
    `${start} for (const type of [1, 2, 3, 4, 5]) {
      server.handle(type, async ({ connection, text, signal }) => (await connection.request(type, text, { signal })).data);
    } ${end}`,
  ),
  written(
    "a server with broadcasts and writes from a timer",
    `${start} const data = "x".repeat(60_000);
    const timer = setInterval(() => {
      void server.broadcast(1, data);
      for (const connection of server.connections) void connection.write(2, data);
    }, 1);
    server.once("status", () => clearInterval(timer)); ${end}`,
  ),
  written(
    "a server with an error listener that tells the client",
    `${start} server.on("error", (error, connection) => void connection?.write(1, error.code));
    server.on("message", ({ connection }) => void connection.write(1, "Hello, hello")); ${end}`,
  ),
];

const startBoth = `${start} server.on("message", () => {}); const client = await startClient("my-app");`;
const endBoth = "await client.close(); await server.close();";

const clients = [
  written(
    "a client with a listener that does not wait",
    `${startBoth} const much = new Uint8Array(1_000_000);
    client.on("message", ({ type }) => void client.write(type, much)); ${endBoth}`,
  ),
  written(
    "a client with async listeners that write, ask and flush",
    `${startBoth} client.on("message", async ({ type, data }) => {
      await client.write(type, data);
      await client.request(type, data, { timeoutMs: 100 });
      await client.flush();
    });
    client.on("status", async () => { await client.read({ timeoutMs: 1 }); }); ${endBoth}`,
  ),
  written(
    "a client with handlers that ask back",
    `${startBoth} for (const type of [1, 2, 3, 4, 5]) {
      client.handle(type, async ({ text, signal }) => (await client.request(type, text, { signal })).data);
    } ${endBoth}`,
  ),
  written(
    "a client with an error listener that tells the server",
    `${startBoth} client.on("error", (error) => void client.write(1, error.code));
    client.on("message", () => void client.write(1, "Hello, hello")); ${endBoth}`,
  ),
];

/** All examples differ little in what a peer can do to them, and each is attacked for a second or two. */
const attackedExamples = thorough ? examples : [serverExample, clientExample];

/** The attack comes by an address. Duplexes that are handed in are attacked in `test/hostile/duplexes.test.ts`. */
const atAddresses = attackedExamples.filter(({ code }) => !/listen: false|transport: /.test(code));

const hostile = {
  server: [
    ...atAddresses.filter(({ code }) => /await using server|server\.close\(\)/.test(code)),
    ...servers,
  ],
  client: [
    ...atAddresses.filter(({ code }) => /await using client|client\.close\(\)/.test(code)),
    ...clients,
  ],
};
type Attacked = keyof typeof hostile;

const names = new Map<Example, string>();
let programs: ExamplePrograms;

function begin(example: Example, attacked: Attacked) {
  const preload = new URL("../support/children/under-attack.js", import.meta.url).href;
  const child = fork(programs.pathOf(example), {
    execArgv: ["--import", preload],
    env: { ...process.env, SEALPIPE_ATTACK: attacked },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  return { child, stderr: text(child.stderr as Readable), exited: once(child, "exit") };
}

/** Of the two programs of docs/messages.md each needs the other, and its server goes on until it is told to end. */
async function playOther(t: TestContext, example: Example, child: ChildProcess): Promise<Server | undefined> {
  const name = names.get(example) as string;
  if (example.code === clientExample.code) {
    const server = await serverAt(t, name);
    server.on("message", ({ connection, type, text }) => void connection.write(type, `you said: ${text}`));
    return server;
  }
  if (example.code === serverExample.code) {
    const client = await clientAt(t, name);
    await client.write(5, "hello");
    await client.read();
    child.kill("SIGTERM");
  }
  return undefined;
}

/** Has the program run until it closes, and then, after the attack, to its end. */
async function survives(t: TestContext, example: Example, attacked: Attacked): Promise<void> {
  const { child, stderr, exited } = begin(example, attacked);
  t.after(() => child.kill("SIGKILL"));
  const asked = once(child, "message");
  const ended = exited.then(async () => assert.fail(`it ended before it was attacked: ${await stderr}`));
  const other = playOther(t, example, child);
  const [name] = await Promise.race([asked, ended]);
  (await other)?.destroy();
  await (attacked === "server" ? attackServer(name) : attackClient(name));
  if (child.connected) child.send("the attack is over");
  assert.deepEqual(await exited, [0, null], await stderr);
}

before(() => {
  const all = new Set([...hostile.server, ...hostile.client]);
  for (const example of all) names.set(example, freshName());
  programs = new ExamplePrograms("attacked-examples", (example) => names.get(example) as string, [...all]);
});

for (const attacked of ["server", "client"] as const) {
  describe(`a ${attacked} that is written as the documentation shows`, {
    timeout: 4 * timeout,
    concurrency: 2,
  }, () => {
    for (const example of hostile[attacked]) {
      test(`outlives every hostile peer: ${example.title}`, { timeout }, (t) =>
        survives(t, example, attacked),
      );
    }
  });
}
