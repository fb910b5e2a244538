import { isAbsolute } from "node:path";
import type { ClientOptions } from "../index.ts";
import { checkChildOptions, childDefaults } from "./child-options.ts";
import type { DaemonSurroundings } from "./daemon-process.ts";
import type { Expectation } from "./expectation.ts";
import { checkFunction, checkUndecided, invalidOption, ownOptions } from "./option-checks.ts";
import type { FoundServer } from "./replace-server.ts";

/** Options of {@link connectOrSpawn}. */
export interface ConnectOrSpawnOptions {
  /** The working directory of the daemon. Default: that of this process. */
  readonly cwd?: string | undefined;
  /** Its environment. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The absolute path of a file to which its output is appended, made with the mode 0600. Default: its output is dropped. */
  readonly log?: string | undefined;
  /** How long it may take from its start to the first connection, in milliseconds. Default 10000. */
  readonly readyTimeoutMs?: number | undefined;
  /** How long each step of replacing an old one may take, in milliseconds. Default 5000. */
  readonly stopTimeoutMs?: number | undefined;
  /** Whether it is started again if it ends while the client is open. Default `true`. */
  readonly restart?: boolean | undefined;
  /** The pause before that, in milliseconds, which doubles while it keeps ending. Default 100. */
  readonly restartDelayMs?: number | undefined;
  /** The longest such pause, in milliseconds. Default 5000. */
  readonly maxRestartDelayMs?: number | undefined;
  /** How often this process may start it again in a minute; then the client ends. Default 5. */
  readonly maxRestarts?: number | undefined;
  /** What it has to say that it is. Default: anything. */
  readonly expect?: Expectation | undefined;
  /**
   * Whether a running one of the expected application, and of another version, is to be replaced; may be called more than once.
   * Default: it is not.
   */
  readonly replace?: ((found: FoundServer) => boolean | Promise<boolean>) | undefined;
  /** Options of the client. */
  readonly client?:
    | Omit<ClientOptions, "connectTimeoutMs" | "retry" | "signal" | "transport" | "via">
    | undefined;
  /** Gives up waiting; what this call has started is killed, and the reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

export type ParsedDaemonOptions = typeof childDefaults &
  DaemonSurroundings &
  Pick<ConnectOrSpawnOptions, "expect" | "replace" | "client" | "signal">;

const known = [...Object.keys(childDefaults), "cwd", "env", "log", "expect", "replace", "client", "signal"];
const decided = { connectTimeoutMs: true, retry: true, signal: true, transport: true, via: true } as const;

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseDaemonOptions(options: ConnectOrSpawnOptions): ParsedDaemonOptions {
  const parsed = { ...childDefaults, ...ownOptions(options, known) } as ParsedDaemonOptions;
  checkChildOptions(parsed);
  const { log } = parsed;
  if (log !== undefined && (typeof log !== "string" || !isAbsolute(log)))
    throw invalidOption("log must be an absolute path");
  checkFunction("replace", parsed.replace);
  checkUndecided(parsed.client, decided, (name) => `client.${name} is decided by connectOrSpawn`);
  return parsed;
}
