import { defaultEngineLimits, maxMaxMessageBytes } from "../../protocol/limits.ts";
import { maxWindow, minWindow } from "../../protocol/native/wire/lanes.ts";
import type { ContractIdentity } from "../../protocol/native/wire/offers.ts";
import { defaultDirectory } from "../../transport/address.ts";
import type { Trust } from "../../transport/trust.ts";
import { checkHandedIn } from "./authentication.ts";
import { parseBatchCipher } from "./batch-cipher.ts";
import { isContracts, ownContracts } from "./contract-identities.ts";
import {
  type Check,
  type Complete,
  checked,
  demand,
  isAuthenticatedBy,
  isBoolean,
  isCommand,
  isCount,
  isDescriptor,
  isDirectory,
  isFunction,
  isIntegerFrom,
  isProfile,
  isSignal,
  isText,
  isTimeoutMs,
  isTimeoutMsOrNever,
  isTrust,
} from "./option-checks.ts";
import type { ClientOptions, ServerOptions } from "./options.ts";
import { checkSecret, checkSecretFile, type ParsedSecret, parseSecret } from "./secret.ts";

export type ParsedServerOptions = Complete<Omit<ServerOptions, "fd" | keyof ParsedSecret>> &
  ParsedSecret & { readonly fd: ServerOptions["fd"] };
type MayBeMissing = "signal" | "transport" | "via";
export type ParsedClientOptions = Complete<Omit<ClientOptions, MayBeMissing | keyof ParsedSecret>> &
  ParsedSecret & { readonly [K in MayBeMissing]: ClientOptions[K] | undefined };

const endpointChecks = {
  directory: isDirectory,
  privateDirectory: isBoolean,
  maxMessageBytes: isIntegerFrom(1, maxMaxMessageBytes),
  maxQueuedBytes: isIntegerFrom(1, Number.MAX_SAFE_INTEGER),
  handshakeTimeoutMs: isTimeoutMs,
  frameTimeoutMs: isTimeoutMs,
  closeTimeoutMs: isTimeoutMs,
  profile: isProfile,
  secret: checkSecret,
  secretFile: checkSecretFile,
  authenticatedBy: isAuthenticatedBy,
  batchCipher: isBoolean,
  keepaliveIntervalMs: isTimeoutMsOrNever,
  keepaliveTimeoutMs: isTimeoutMs,
  application: isText,
  applicationVersion: isText,
  codec: isText,
  contracts: isContracts,
  maxConcurrentRequests: isCount,
  maxConcurrentStreams: isCount,
  streamWindowBytes: isIntegerFrom(minWindow, maxWindow),
  requestTimeoutMs: isTimeoutMsOrNever,
  exposeStacks: isBoolean,
};

const endpointDefaults = {
  ...defaultEngineLimits,
  directory: defaultDirectory,
  privateDirectory: false,
  maxQueuedBytes: 8_388_608,
  profile: "auto" as const,
  authenticatedBy: "secret" as const,
  keepaliveIntervalMs: 10_000,
  keepaliveTimeoutMs: 10_000,
  application: "",
  applicationVersion: "",
  codec: "",
  contracts: Object.freeze([]) as readonly ContractIdentity[],
  maxConcurrentRequests: 256,
  maxConcurrentStreams: 64,
  streamWindowBytes: 524_288,
  requestTimeoutMs: 0,
  exposeStacks: false,
  encryption: true,
};

const serverChecks: Record<keyof ServerOptions, Check> = {
  ...endpointChecks,
  listen: isBoolean,
  encryption: isBoolean,
  fd: isDescriptor,
  unmaskPermissions: isBoolean,
  addressCheckIntervalMs: isTimeoutMsOrNever,
  maxConnections: isCount,
  maxPendingHandshakes: isCount,
  resumeWindowMs: isTimeoutMsOrNever,
  maxDetachedSessions: isCount,
  maxDetachedBytes: isIntegerFrom(1, Number.MAX_SAFE_INTEGER),
  broadcastGraceMs: isTimeoutMsOrNever,
};

const clientChecks: Record<keyof ClientOptions, Check> = {
  ...endpointChecks,
  encryption: isBoolean,
  trust: isTrust,
  retry: isBoolean,
  connectTimeoutMs: isTimeoutMsOrNever,
  retryDelayMs: isTimeoutMs,
  maxRetryDelayMs: isTimeoutMs,
  offlineQueue: isBoolean,
  transport: isFunction,
  via: isCommand,
  signal: isSignal,
};

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseServerOptions(options: ServerOptions = {}): ParsedServerOptions {
  const defaults = {
    ...endpointDefaults,
    listen: true,
    fd: undefined,
    unmaskPermissions: false,
    addressCheckIntervalMs: 5_000,
    maxConnections: 1_024,
    maxPendingHandshakes: 1_024,
    resumeWindowMs: 30_000,
    maxDetachedSessions: 64,
    maxDetachedBytes: 67_108_864,
    broadcastGraceMs: 1_000,
  };
  const given = checked(options, serverChecks);
  const { privateDirectory, unmaskPermissions = false } = given;
  const isForNobody = privateDirectory === true && unmaskPermissions;
  const wanted = "false in a private directory, which no other user can enter";
  demand(!isForNobody, "unmaskPermissions", wanted, true);
  demand(
    given.listen !== false || given.fd === undefined,
    "fd",
    "left out if the server does not listen",
    given.fd,
  );
  const batchCipher = parseBatchCipher(given.batchCipher);
  return Object.freeze({ ...defaults, ...given, ...parseSecret(given), ...ownContracts(given), batchCipher });
}

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseClientOptions(options: ClientOptions = {}): ParsedClientOptions {
  const given = checked(options, clientChecks);
  const retryDelayMs = given.retryDelayMs ?? 100;
  const maxRetryDelayMs = given.maxRetryDelayMs ?? Math.max(5_000, retryDelayMs);
  demand(maxRetryDelayMs >= retryDelayMs, "maxRetryDelayMs", "at least retryDelayMs", maxRetryDelayMs);
  const trust: Trust = Object.freeze([]);
  const once = {
    connectTimeoutMs: 0,
    retry: true,
    offlineQueue: true,
    signal: undefined,
    transport: undefined,
    via: undefined,
  };
  const defaults = { ...endpointDefaults, ...once, trust };
  checkHandedIn(given);
  const batchCipher = parseBatchCipher(given.batchCipher);
  const parsed = {
    ...parseSecret(given),
    ...ownContracts(given),
    batchCipher,
    retryDelayMs,
    maxRetryDelayMs,
  };
  return Object.freeze({ ...defaults, ...given, ...parsed });
}

const dialChecks = { directory: isDirectory, privateDirectory: isBoolean, trust: isTrust, signal: isSignal };

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseDialOptions(
  options: Pick<ClientOptions, keyof typeof dialChecks>,
): Pick<ParsedClientOptions, keyof typeof dialChecks> {
  const { directory, privateDirectory } = endpointDefaults;
  const defaults = { directory, privateDirectory, trust: Object.freeze([]) as Trust, signal: undefined };
  return { ...defaults, ...checked(options, dialChecks) };
}
