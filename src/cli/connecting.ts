import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import {
  type Client,
  type ClientOptions,
  type EndpointOptions,
  PeerError,
  type Server,
  type ServerOptions,
  startClient,
  startServer,
} from "../index.ts";
import type { OptionSpecs, ValuesOf } from "./command.ts";
import { UsageError } from "./exit-codes.ts";
import { durationMs, integer } from "./quantities.ts";

/** How a name is found: the options of each command that has one. */
export const addressOptions = {
  directory: {
    type: "string",
    short: "d",
    value: "DIR",
    help: "the directory of the socket, or `runtime`; default /tmp",
  },
  "private-directory": { type: "boolean", help: "the socket is in this user's own directory inside DIR" },
} as const satisfies OptionSpecs;

/** Options of commands that are an end of a connection. */
export const endOptions = {
  ...addressOptions,
  profile: {
    type: "string",
    value: "WIRE",
    choices: ["auto", "classic", "native"],
    help: "the wire: `auto` (the default), `classic` (golang-ipc's) or `native`",
  },
  plain: { type: "boolean", help: "without encryption, if the other end allows it" },
  "max-message-bytes": { type: "string", value: "BYTES", help: "the largest message; default 3145728" },
  "secret-file": {
    type: "string",
    value: "FILE",
    help: "a file with the secret of both ends; it must exist",
  },
} as const satisfies OptionSpecs;

/** Options of commands that connect. */
export const clientOptions = {
  ...endOptions,
  trust: {
    type: "string",
    multiple: true,
    value: "UID",
    help: "a user that may own the address besides this one and root, or `any`",
  },
  wait: { type: "string", short: "w", value: "TIME", help: "wait that long for a server that is not there" },
} as const satisfies OptionSpecs;

/** Options of commands that serve. */
export const serverOptions = {
  ...endOptions,
  "all-users": { type: "boolean", help: "let every user of the machine connect" },
} as const satisfies OptionSpecs;

const maxUid = 4_294_967_294;

export function addressValues(
  values: ValuesOf<typeof addressOptions>,
): Pick<EndpointOptions, "directory" | "privateDirectory"> {
  const { directory, "private-directory": privateDirectory } = values;
  // A shell's user names directories from where they are.
  const path = directory === undefined || directory === "runtime" ? directory : resolve(directory);
  return { directory: path, privateDirectory };
}

/** What both kinds of ends take. @throws UsageError */
export function endValues(
  values: ValuesOf<typeof endOptions>,
): EndpointOptions & Pick<ServerOptions, "encryption"> {
  const { profile, plain, "secret-file": secretFile } = values;
  if (profile !== undefined && !endOptions.profile.choices.some((choice) => choice === profile)) {
    throw new UsageError(`--profile takes auto, classic or native, not ${profile}`);
  }
  return {
    ...addressValues(values),
    profile: profile as EndpointOptions["profile"],
    secretFile: secretFile === undefined ? undefined : existing(secretFile),
    ...maxMessageBytes(values),
    application: "sealpipe",
    ...(plain && { encryption: false }),
  };
}

function maxMessageBytes({ "max-message-bytes": given }: ValuesOf<typeof endOptions>) {
  if (given === undefined) return {};
  return { maxMessageBytes: integer(given, "--max-message-bytes", [1, 1_073_741_824]) };
}

/** The library would make a file that is not there: here it is a typing error. */
function existing(file: string): string {
  if (!existsSync(file)) throw new UsageError(`--secret-file: there is no file ${file}`);
  return resolve(file);
}

function serverValues(values: ValuesOf<typeof serverOptions>): ServerOptions {
  return { ...endValues(values), unmaskPermissions: values["all-users"] };
}

export function trustValue(given: readonly string[] | undefined): ClientOptions["trust"] {
  if (given === undefined) return undefined;
  if (given.includes("any")) return "any";
  return given.map((uid) => integer(uid, "--trust", [0, maxUid]));
}

export function clientValues(values: ValuesOf<typeof clientOptions>): ClientOptions {
  const { wait } = values;
  const trust = trustValue(values.trust);
  const once = wait === undefined ? { retry: false } : { connectTimeoutMs: durationMs(wait, "wait") };
  return { ...endValues(values), trust, ...once };
}

/** Ends the input when the client has gone: what waits for more of it then fails with the reason. */
export function endWith(client: Client, input: Readable): Readable {
  client.once("close", () => {
    input.destroy(client.lastError ?? new PeerError("ERR_CONNECTION_LOST", "the server has left"));
  });
  return input;
}

/** A client by these options, for as long as `use` takes; closed in order afterwards. */
export async function withClient<T>(
  name: string,
  { values, signal }: { readonly values: ValuesOf<typeof clientOptions>; readonly signal: AbortSignal },
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await startClient(name, { ...clientValues(values), signal });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

interface Serving {
  readonly values: ValuesOf<typeof serverOptions>;
  readonly signal: AbortSignal;
  /** Options besides those of the command line. */
  readonly more?: ServerOptions;
}

/** A server by these options, for as long as `use` takes or until the run is to stop; closed in order afterwards. */
export async function withServer<T>(
  name: string,
  { values, signal, more }: Serving,
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await startServer(name, { ...serverValues(values), ...more });
  const stop = (): void => void server.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    return await use(server);
  } finally {
    signal.removeEventListener("abort", stop);
    await server.close();
  }
}
