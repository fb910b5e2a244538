import { CallerError, type ClientOptions } from "../index.ts";
import { checkChildOptions, childDefaults } from "./child-options.ts";
import type { Expectation } from "./expectation.ts";
import { checkUndecided, ownOptions } from "./option-checks.ts";

/** Options of {@link spawnSidecar}. */
export interface SpawnOptions {
  /** The working directory of the process. Default: that of this one. */
  readonly cwd?: string | undefined;
  /** Its environment. Default: that of this process. No secret is put there. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** How long it may take from its start to its first authenticated connection, in milliseconds. Default 10000. */
  readonly readyTimeoutMs?: number | undefined;
  /** How long each step of {@link Sidecar.stop} may take, in milliseconds. Default 5000. */
  readonly stopTimeoutMs?: number | undefined;
  /** Whether a process that ends by itself is started again. Default `true`. */
  readonly restart?: boolean | undefined;
  /** The pause before that, in milliseconds, which doubles while it keeps ending. Default 100. */
  readonly restartDelayMs?: number | undefined;
  /** The longest such pause, in milliseconds. Default 5000. */
  readonly maxRestartDelayMs?: number | undefined;
  /** How often it may be started again in a minute; then it has failed. Default 5. */
  readonly maxRestarts?: number | undefined;
  /** What it has to say that it is, as `application` and `applicationVersion` of `sidecar`. Default: anything. */
  readonly expect?: Expectation | undefined;
  /** Options of the client; the channel's are decided here. */
  readonly client?:
    | Omit<
        ClientOptions,
        | "authenticatedBy"
        | "connectTimeoutMs"
        | "directory"
        | "encryption"
        | "privateDirectory"
        | "profile"
        | "retry"
        | "secret"
        | "secretFile"
        | "signal"
        | "transport"
        | "trust"
        | "via"
      >
    | undefined;
  /** Gives up waiting for the process to be ready: it is killed, and the reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

export type ParsedSpawnOptions = typeof childDefaults &
  Pick<SpawnOptions, "cwd" | "env" | "expect" | "client" | "signal">;

const known = [...Object.keys(childDefaults), "cwd", "env", "expect", "client", "signal"];

/** Options of a client that `spawnSidecar` decides. */
const decided: Record<Exclude<keyof ClientOptions, keyof NonNullable<SpawnOptions["client"]>>, true> = {
  authenticatedBy: true,
  connectTimeoutMs: true,
  directory: true,
  encryption: true,
  privateDirectory: true,
  profile: true,
  retry: true,
  secret: true,
  secretFile: true,
  signal: true,
  transport: true,
  trust: true,
  via: true,
};

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseSpawnOptions(options: SpawnOptions): ParsedSpawnOptions {
  const parsed = { ...childDefaults, ...ownOptions(options, known) } as ParsedSpawnOptions;
  checkChildOptions(parsed);
  checkUndecided(parsed.client, decided, (name) => `client.${name} is decided by spawnSidecar`);
  return parsed;
}

/** @throws CallerError `ERR_INVALID_ARGUMENT` */
export function checkCommand(command: unknown, args: unknown): void {
  const isText = (value: unknown) => typeof value === "string" && !value.includes("\0");
  if (isText(command) && command !== "" && Array.isArray(args) && args.every(isText)) return;
  throw new CallerError(
    "ERR_INVALID_ARGUMENT",
    "a command is a string, and its arguments are a list of strings",
  );
}
