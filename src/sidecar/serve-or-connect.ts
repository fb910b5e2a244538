import { setTimeout as delay } from "node:timers/promises";
import {
  type Client,
  type ClientOptions,
  createClient,
  type EndpointOptions,
  type Server,
  type ServerOptions,
  startServer,
} from "../index.ts";
import { attempt } from "./attempt.ts";
import { checkExpectation, type Expectation, mismatchOf } from "./expectation.ts";
import { checkFunction, checkInteger, checkSignal, checkUndecided } from "./option-checks.ts";
import { OutOfPatience, Patience, steps } from "./patience.ts";
import { endServer, type FoundServer, isToBeReplaced } from "./replace-server.ts";

/** Options of {@link serveOrConnect}; those of `startServer` and of `startClient` alike are for both. */
export interface ServeOrConnectOptions extends EndpointOptions {
  /** Options of the server alone. */
  readonly server?: Omit<ServerOptions, keyof EndpointOptions | "listen"> | undefined;
  /** Options of the client alone. */
  readonly client?:
    | Omit<
        ClientOptions,
        keyof EndpointOptions | "connectTimeoutMs" | "retry" | "signal" | "transport" | "via"
      >
    | undefined;
  /** How long to try, in milliseconds, besides what it takes to replace an old instance. Default 10000. */
  readonly timeoutMs?: number | undefined;
  /** How long each step of replacing an old instance may take, in milliseconds. Default 5000. */
  readonly stopTimeoutMs?: number | undefined;
  /** What the first instance has to say that it is. Default: anything. */
  readonly expect?: Expectation | undefined;
  /**
   * Whether a first instance of the expected application, and of another version, is to be replaced; may be called more than once.
   * Default: it is not.
   */
  readonly replace?: ((found: FoundServer) => boolean | Promise<boolean>) | undefined;
  /** Gives up; the reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/** What this instance is: the first, or one that is connected to the first. */
export type ServedOrConnected =
  | { readonly server: Server; readonly client?: undefined }
  | { readonly client: Client; readonly server?: undefined };

const decided = { connectTimeoutMs: true, retry: true, signal: true, transport: true, via: true } as const;

/** How long to leave the first instance alone that ends or starts just now, in milliseconds. */
const maxPauseMs = 40;

/**
 * Serves the name, or connects to the one that does: for a program that is to run once. Of any number of instances that start at the same
 * instant one serves, and the others are connected to it.
 *
 * @param name As of `startServer`.
 * @throws As `startServer`, but `ERR_ADDRESS_IN_USE` only if what is there cannot be connected to within `timeoutMs`; as `startClient`;
 *   PeerError `ERR_SIDECAR_MISMATCH`, `ERR_DAEMON_STAYS`; the signal's reason.
 *
 * @example
 * ```ts
 * import { serveOrConnect } from "sealpipe/sidecar";
 *
 * const first = await serveOrConnect("my-app");
 * first.server?.handle(1, ({ text }) => `opened ${text}`);
 *
 * const second = await serveOrConnect("my-app"); // As another process does.
 * console.log((await second.client?.request(1, "notes.txt"))?.text); // opened notes.txt
 * console.log(second.server); // undefined
 * await second.client?.close();
 * await first.server?.close();
 * ```
 */
export async function serveOrConnect(
  name: string,
  options: ServeOrConnectOptions = {},
): Promise<ServedOrConnected> {
  const {
    server,
    client,
    timeoutMs = 10_000,
    stopTimeoutMs = 5_000,
    expect,
    replace,
    signal,
    ...both
  } = options;
  checkInteger("timeoutMs", timeoutMs);
  checkInteger("stopTimeoutMs", stopTimeoutMs);
  checkExpectation(expect);
  checkFunction("replace", replace);
  checkSignal(signal);
  checkUndecided(server, { listen: true }, (option) => `server.${option} is decided by serveOrConnect`);
  checkUndecided(client, decided, (option) => `client.${option} is decided by serveOrConnect`);
  const found = { name, options: { ...both, ...client }, expect, replace, stopTimeoutMs };
  const patience = new Patience(timeoutMs + (replace === undefined ? 0 : steps * stopTimeoutMs), [signal]);
  let inUse: unknown;
  try {
    for (;;) {
      patience.signal.throwIfAborted();
      try {
        return { server: await startServer(name, { ...both, ...server }) };
      } catch (error) {
        if ((error as { code?: string }).code !== "ERR_ADDRESS_IN_USE") throw error;
        inUse = error;
      }
      const connected = await connectTo(found, patience.signal);
      if (connected !== undefined) return { client: connected };
      await delay(Math.random() * maxPauseMs);
    }
  } catch (error) {
    throw error instanceof OutOfPatience ? inUse : error;
  } finally {
    patience.end();
  }
}

interface Sought extends Pick<ServeOrConnectOptions, "expect" | "replace"> {
  readonly name: string;
  readonly options: ClientOptions;
  readonly stopTimeoutMs: number;
}

/** `undefined` if the first instance has gone, or was replaced. */
async function connectTo(sought: Sought, signal: AbortSignal): Promise<Client | undefined> {
  const { name, options, expect, replace, stopTimeoutMs } = sought;
  const client = createClient(name, { retryDelayMs: 10, ...options });
  let kept: Client | undefined;
  try {
    if ((await attempt(client, signal)) === "absent") return undefined;
    const mismatch = mismatchOf(client, expect, "first instance");
    if (mismatch === undefined) {
      kept = client;
      return kept;
    }
    if (!(await isToBeReplaced(client, mismatch, replace))) throw mismatch.error;
    const { directory, privateDirectory } = options;
    await endServer(client, { name, place: { directory, privateDirectory }, stopTimeoutMs }, signal);
    return undefined;
  } finally {
    if (kept === undefined) {
      client.destroy();
      await client.close();
    }
  }
}
