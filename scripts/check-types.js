// Checks that the package's types say the same to every TypeScript that docs/start.md promises, in a project of its own for
// each: with and without `skipLibCheck`, and for each way in which a project can resolve modules.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Each with the types of Node that were current with it, and at first with the oldest that docs/start.md promises. */
const compilers = [
  { typescript: "~5.0.4", node: "^18.19.130" },
  { typescript: "~5.4.5", node: "^20.19.43" },
  { typescript: "~5.6.3", node: "^22.20.5" },
  { typescript: "~5.9.3", node: "^24.19.2" },
  { typescript: "latest", node: "latest" },
];

const resolutions = [
  ["--module", "node16"],
  ["--module", "nodenext"],
  ["--module", "esnext", "--moduleResolution", "bundler"],
];

/** What is `any` is the same as nothing else: each of these lines can fail, which `refused` shows. */
const program = `
import type { Answer, Client, Connection, ConnectionMessage, ConnectionRequest } from "sealpipe";
import type { Message, SealpipeError, Server, Status } from "sealpipe";
import { createClient, startClient, startServer } from "sealpipe";
import type { Issue, Schema } from "sealpipe/contract";
import { connect, contract, event, isError, method, serve } from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<Wanted>(): <Found>(found: Found, verdict: Same<Found, Wanted>) => void;

export async function endpoints() {
  same<Server>()(await startServer("name", { maxConnections: 5 }), true);
  same<Client>()(await startClient("name", { signal: new AbortController().signal }), true);
  same<Client>()(createClient("name", { encryption: false }), true);
}

export async function messages(client: Client, server: Server, connection: Connection) {
  for await (const message of client) same<Message>()(message, true);
  for await (const message of server) same<ConnectionMessage>()(message, true);
  for await (const message of connection) same<ConnectionMessage>()(message, true);
  const next = await client[Symbol.asyncIterator]().next();
  if (next.done) same<undefined>()(next.value, true);
  else same<Message>()(next.value, true);
  const message = await server.read({ timeoutMs: 5 });
  same<ConnectionMessage>()(message, true);
  same<number>()(message.type, true);
  same<Uint8Array>()(message.data, true);
  same<string>()(message.text, true);
  same<Connection>()(message.connection, true);
  same<Promise<void> | undefined>()(client.write(1, message.data), true);
}

export async function requests(client: Client, server: Server) {
  same<Answer>()(await client.request(1, "question", { timeoutMs: 5 }), true);
  server.handle(1, (request) => {
    same<ConnectionRequest>()(request, true);
    return request.data;
  });
}

declare const path: Schema<{ path: string }>;
declare const size: Schema<string, number>;

export async function contracts() {
  const files = contract(
    "files",
    {
      size: method(1, { input: path, output: size, errors: { NOT_FOUND: path, BUSY: null } }),
      told: event(2, size),
    },
    { codec: msgpack },
  );
  const server = await serve("name", files, {
    size: (input, { fail, signal }) => {
      same<{ path: string }>()(input, true);
      same<AbortSignal>()(signal, true);
      return input.path === "" ? fail("NOT_FOUND", { path: "" }) : "5";
    },
  });
  same<Server>()(server.endpoint, true);
  const app = await connect("name", files);
  same<number>()(await app.size({ path: "a" }, { timeoutMs: 5 }), true);
  same<Client>()(app.endpoint, true);
  same<boolean>()(app.has("told"), true);
  app.on.told((data) => same<number>()(data, true));
  const error: unknown = undefined;
  if (isError(error, files.size, "NOT_FOUND")) same<{ path: string }>()(error.data, true);
  if (isError(error, files.size, "ERR_INVALID_INPUT")) same<readonly Issue[]>()(error.data, true);
  if (isError(error, files.size)) {
    same<"NOT_FOUND" | "BUSY" | "ERR_INVALID_INPUT" | "ERR_INVALID_OUTPUT">()(error.code, true);
  }
}

export function events(client: Client, server: Server) {
  same<Status>()(client.status, true);
  client.on("message", (message) => same<Message>()(message, true));
  client.on("status", (status) => same<Status>()(status, true));
  server.on("connection", (connection) => same<Connection>()(connection, true));
  server.on("error", (error, connection) => {
    same<SealpipeError>()(error, true);
    same<Connection | undefined>()(connection, true);
  });
}
`;

/** The same, with each of its assertions the wrong way round. */
const refused = program.replaceAll(", true);", ", false);").replaceAll(", true));", ", false));");

/** What a CommonJS module of a project hands over is the same to an ES module of it. */
const mixed = `
import { endpoints, messages } from "./program.cjs";
import { type Client, type Connection, startClient, startServer } from "sealpipe";

void endpoints;
export async function mix(connection: Connection) {
  const client: Client = await startClient("name");
  await messages(client, await startServer("name"), connection);
}
`;

/** `work`: a directory for the projects. */
export function checkTypes(work, tarball, install) {
  for (const { typescript, node } of compilers) {
    const project = join(work, `typescript-${typescript.replace(/\W/g, "")}`);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "program", private: true }));
    writeFileSync(join(project, "program.mts"), program);
    writeFileSync(join(project, "refused.mts"), refused);
    writeFileSync(join(project, "program.cts"), program);
    writeFileSync(join(project, "mixed.mts"), mixed);
    install(project, [tarball, `typescript@${typescript}`, `@types/node@${node}`]);
    for (const resolution of resolutions) {
      for (const skipLibCheck of ["true", "false"]) {
        checkVerdicts(project, [...resolution, "--skipLibCheck", skipLibCheck]);
      }
    }
    console.log(`ok: types with TypeScript ${typescript} and @types/node ${node}`);
  }
}

function checkVerdicts(project, options) {
  const common = [
    "--strict",
    "--noEmit",
    "--target",
    "es2022",
    "--lib",
    "es2022",
    "--types",
    "node",
    "--pretty",
    "false",
  ];
  const files = ["program.mts", "refused.mts", "program.cts", "mixed.mts"];
  const args = ["node_modules/typescript/bin/tsc", ...common, ...options, ...files];
  const { stdout } = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
  const verdicts = [...stdout.matchAll(/^refused\.mts\((\d+),\d+\): error TS2345: .*'false'.*'true'/gm)];
  const linesToRefuse = refused
    .split("\n")
    .flatMap((line, index) => (line.includes(", false)") ? [index + 1] : []));
  const linesRefused = verdicts.map(([, line]) => Number(line));
  const others = stdout
    .split("\n")
    .filter((line) => /error TS/.test(line) && !line.startsWith("refused.mts("));
  if (others.length > 0 || String(linesRefused) !== String(linesToRefuse)) {
    throw new Error(`tsc ${args.slice(1).join(" ")} in ${project}:\n${stdout}`);
  }
}
