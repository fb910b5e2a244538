import { defaultEngineLimits, type EngineLimits, maxMaxMessageBytes } from "../../protocol/limits.ts";
import { type Address, defaultDirectory, resolveAddress } from "../../transport/address.ts";
import type { Trust } from "../../transport/trust.ts";
import { parseBatchCipher } from "./batch-cipher.ts";
import {
  type Check,
  type Complete,
  checked,
  demand,
  isBoolean,
  isCount,
  isDirectory,
  isIntegerFrom,
  isProfile,
  isSignal,
  isSlow,
  isText,
  isTimeoutMs,
  isTimeoutMsOrNever,
  isTrust,
  isWaitOrFail,
} from "./option-checks.ts";
import { checkSecret, checkSecretFile, type ParsedSecret, parseSecret } from "./secret.ts";

export type { Trust };

/** What servers and clients share. Each option is checked once; one that is out of range or unknown throws. */
export interface EndpointOptions {
  /**
   * Where the Unix socket lies. Default `"/tmp"`, where golang-ipc looks; both ends need the same. An absolute path of
   * a directory that exists, or `"runtime"`: the directory that the system gives each user for this, which nobody else
   * can enter. Platform: `"runtime"` is `XDG_RUNTIME_DIR` on Linux and the BSDs, which has to be the user's own with mode
   * 0700, and `TMPDIR` on macOS, likewise. On Windows, where pipes have no directory, it is checked and not used.
   */
  readonly directory?: "runtime" | (string & {}) | undefined;
  /** Largest `data` of a message, in bytes, written or received. Default 3145728, at most 1073741824. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Most memory that waits on a connection, in bytes, each way: to be sent, and to be read by the application. Default
   * 8388608. To be sent, a message counts with some 70 bytes more than its data, and requests are counted by themselves, up
   * to as much again. To be read, it counts with what it takes: 256 bytes more than its data on golang-ipc's wire; on the
   * native wire a quarter of this may wait, counted as by the sender.
   */
  readonly maxQueuedBytes?: number | undefined;
  /** How long a handshake may take, in milliseconds. Default 5000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * How long one frame may take from its first byte to its last, in milliseconds; on sealpipe's own wire, where a large
   * message is several frames, each tenth of it, while the application reads what was before. Default 30000.
   */
  readonly frameTimeoutMs?: number | undefined;
  /**
   * How long `close` waits for the peer to take each tenth of what was written before, in milliseconds; ten times that is
   * the longest that it takes. Default 5000.
   */
  readonly closeTimeoutMs?: number | undefined;
  /**
   * The wire. Default `"auto"`: sealpipe's own where the other end is sealpipe too, golang-ipc's otherwise. `"classic"`:
   * golang-ipc's always. `"native"`: sealpipe's always; another peer is refused with `ERR_PEER_NOT_NATIVE`.
   */
  readonly profile?: "auto" | "classic" | "native" | undefined;
  /**
   * What both ends know and nobody else, by which they know each other: text or 1 to 1024 bytes. It must be one that
   * cannot be guessed, such as 32 random bytes. With it the end speaks sealpipe's own wire, encrypted, and no other; an end
   * with another secret, or with none, is refused with `ERR_AUTHENTICATION_FAILED`.
   */
  readonly secret?: string | Uint8Array | undefined;
  /**
   * The absolute path of a file with such a secret, read once as the endpoint starts. Where there is none, it is made of 32
   * random bytes, with the mode 0600; whichever end starts first does so. One that belongs to another user than this
   * process's or root, that others may read or write, that is a symbolic link, or to which another user can change the way
   * is refused with `ERR_SECRET_FILE`. Platform: on Windows none of this is checked; put it where only your user can read.
   */
  readonly secretFile?: string | undefined;
  /**
   * Whether runs of short messages are sealed and opened by the library's own AES-GCM, which is much faster than a cipher
   * object of the platform for each. Default `true`, unless the environment variable `SEALPIPE_BATCH_CIPHER` is `0`, which
   * turns it off for all endpoints of the process. The wire is the same.
   */
  readonly batchCipher?: boolean | undefined;
  /**
   * How long nothing may be heard of a native peer before it is asked whether it is alive, in milliseconds. Default
   * 10000; 0 never asks.
   */
  readonly keepaliveIntervalMs?: number | undefined;
  /** How long a native peer may take to answer that, in milliseconds. Default 10000. */
  readonly keepaliveTimeoutMs?: number | undefined;
  /** What a native peer is told of this program: its name, at most 255 bytes of UTF-8. Default `""`. */
  readonly application?: string | undefined;
  /** What a native peer is told of this program: its version, at most 255 bytes of UTF-8. Default `""`. */
  readonly applicationVersion?: string | undefined;
  /**
   * Most handlers of requests at work at a time, of one connection. Default 256. Further requests wait for their turn, in
   * order.
   */
  readonly maxConcurrentRequests?: number | undefined;
  /**
   * How long a request waits for its answer if it does not say so itself, in milliseconds. Default 0: for ever, also while
   * there is no connection.
   */
  readonly requestTimeoutMs?: number | undefined;
  /**
   * Whether the message of an error that a handler throws goes to the peer with the places in the code where it was
   * thrown. Default `false`: they are nobody else's business.
   */
  readonly exposeStacks?: boolean | undefined;
}

/** Options of `startServer`. */
export interface ServerOptions extends EndpointOptions {
  /** Whether the server encrypts. Default `true`. Without it, clients that insist on encryption refuse the server. */
  readonly encryption?: boolean | undefined;
  /**
   * Whether every user of the machine may connect, not only the one whose process serves. Default `false`. The socket's
   * mode is then 0777 instead of 0600. Platform: on Windows the pipe can then be read and written by all users.
   */
  readonly unmaskPermissions?: boolean | undefined;
  /**
   * How often the server looks whether its socket still lies at its address, to put it back where it has vanished, in
   * milliseconds. Default 5000; 0: never. Where something else lies there instead, an `error` event with
   * `ERR_ADDRESS_LOST` tells. Platform: not used on Windows.
   */
  readonly addressCheckIntervalMs?: number | undefined;
  /**
   * Most clients at a time, those in the handshake among them, but not those that are waited for to come back. Default
   * 1024. A further one takes the place of the oldest that is still in the handshake; where there is none it is dropped.
   * Each that is dropped is told by an `error` event.
   */
  readonly maxConnections?: number | undefined;
  /** Most handshakes at a time. Default 1024. A further client takes the place of the oldest, told by an `error` event. */
  readonly maxPendingHandshakes?: number | undefined;
  /**
   * How long a native client whose connection was lost may take to come back and go on where it was, in milliseconds.
   * Default 30000; with 0 its session ends with the connection.
   */
  readonly resumeWindowMs?: number | undefined;
  /**
   * Most clients that are waited for so. Default 64. Beyond that those go that have the least standing: the time for which
   * their sessions had lasted, times the bytes that had been acknowledged in them. Of equals the one lost first goes.
   */
  readonly maxDetachedSessions?: number | undefined;
  /**
   * Most bytes that wait for such clients, all together. Default 67108864. Beyond that those go that have the least standing
   * for each byte that waits for them.
   */
  readonly maxDetachedBytes?: number | undefined;
  /**
   * How long `broadcast` waits for a client that has no room, in milliseconds. Default 1000; with 0 for none. After that the
   * client is not waited for until it has read all that was written to it.
   */
  readonly broadcastGraceMs?: number | undefined;
}

/** What becomes of a client for which `maxQueuedBytes` wait. */
export type Slow = "skip" | "drop" | "wait";

/** Options of a server's `broadcast`. */
export interface BroadcastOptions {
  /**
   * What becomes of a client that reads too slowly. Default `"skip"`: the message is not written to it, which its
   * `skippedMessages` count, and an `error` event tells with `ERR_QUEUE_FULL`, once until it has room again. `"drop"`: its
   * connection is dropped, for messages of which none may be missed. `"wait"`: the broadcast waits for it for as long as
   * it takes, and all others with it; if that is not awaited, it is dropped.
   */
  readonly slow?: Slow | undefined;
}

/** Options of `startClient`. */
export interface ClientOptions extends EndpointOptions {
  /**
   * Whether the client insists on encryption. Default `true`: a server without it is refused. With `false` the client
   * follows the server.
   */
  readonly encryption?: boolean | undefined;
  /**
   * Who else may hold the address, besides the user of this process and root: a list of user ids, or `"any"`. Default
   * `[]`. The client connects to a socket of theirs, in a directory of theirs. A server has no such option: it listens
   * only in directories of its own user and of root. Platform: not used on Windows.
   */
  readonly trust?: Trust | undefined;
  /**
   * Whether to try again. Default `true`. With `false` there is one try: if it fails, `startClient` rejects at once, with
   * `ERR_CONNECT_FAILED` if no server is there; and when the connection ends, the client does, `disconnected` or with an
   * `error`.
   */
  readonly retry?: boolean | undefined;
  /** How long to try to connect, and later to reconnect, in milliseconds. Default 0: for ever. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Pause before the second try to connect, in milliseconds; it doubles with each further one, but not where a server is
   * there and more clients try to reach it than the system lets wait. Default 100. What comes to the address ends the pause:
   * a client is back a tenth of a second after its server. Platform: on Windows, and in directories that the system does
   * not let the process watch, it waits out the pause.
   */
  readonly retryDelayMs?: number | undefined;
  /** Longest pause between tries, in milliseconds. Default 5000, or `retryDelayMs` where that is more. */
  readonly maxRetryDelayMs?: number | undefined;
  /**
   * Whether what is written while the client reconnects waits and is sent later, in order. Default `true`. With `false`
   * such a write throws `ERR_NOT_CONNECTED`, as golang-ipc's does.
   */
  readonly offlineQueue?: boolean | undefined;
  /** Ends the first try to connect; `startClient` rejects with its reason. Not used once connected. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `read`, and of a client's `connected`. */
export interface ReadOptions {
  /** Ends the wait, which rejects with its reason; no message is lost. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for a message, or for the connection, in milliseconds. Default 0: for ever. */
  readonly timeoutMs?: number | undefined;
}

/** Options of `request`. */
export interface RequestOptions {
  /** Ends the wait; `request` rejects with its reason, and the peer's handler is told. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for the answer, in milliseconds; 0 is for ever. Default: `requestTimeoutMs` of the endpoint. */
  readonly timeoutMs?: number | undefined;
  /**
   * What becomes of it if there is no connection at the moment. Default `"wait"`: it is sent once there is one. `"fail"`: it
   * is rejected with `ERR_NOT_CONNECTED`, and nothing of it is sent. One that was sent goes on when its connection breaks,
   * with either.
   */
  readonly ifDisconnected?: "wait" | "fail" | undefined;
}

export type ParsedServerOptions = Complete<Omit<ServerOptions, keyof ParsedSecret>> & ParsedSecret;
export type ParsedClientOptions = Complete<Omit<ClientOptions, "signal" | keyof ParsedSecret>> &
  ParsedSecret & { readonly signal: AbortSignal | undefined };
export type ParsedReadOptions = { readonly signal: AbortSignal | undefined; readonly timeoutMs: number };
export type ParsedRequestOptions = ParsedReadOptions & { readonly ifDisconnected: "wait" | "fail" };

const endpointChecks = {
  directory: isDirectory,
  maxMessageBytes: isIntegerFrom(1, maxMaxMessageBytes),
  maxQueuedBytes: isIntegerFrom(1, Number.MAX_SAFE_INTEGER),
  handshakeTimeoutMs: isTimeoutMs,
  frameTimeoutMs: isTimeoutMs,
  closeTimeoutMs: isTimeoutMs,
  profile: isProfile,
  secret: checkSecret,
  secretFile: checkSecretFile,
  batchCipher: isBoolean,
  keepaliveIntervalMs: isTimeoutMsOrNever,
  keepaliveTimeoutMs: isTimeoutMs,
  application: isText,
  applicationVersion: isText,
  maxConcurrentRequests: isCount,
  requestTimeoutMs: isTimeoutMsOrNever,
  exposeStacks: isBoolean,
};

const endpointDefaults = {
  ...defaultEngineLimits,
  directory: defaultDirectory,
  maxQueuedBytes: 8_388_608,
  profile: "auto" as const,
  keepaliveIntervalMs: 10_000,
  keepaliveTimeoutMs: 10_000,
  application: "",
  applicationVersion: "",
  maxConcurrentRequests: 256,
  requestTimeoutMs: 0,
  exposeStacks: false,
  encryption: true,
};

const serverChecks: Record<keyof ServerOptions, Check> = {
  ...endpointChecks,
  encryption: isBoolean,
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
  signal: isSignal,
};

/** Of what is waited for: a message, an answer. */
const waitChecks: Record<keyof ReadOptions, Check> = {
  signal: isSignal,
  timeoutMs: isTimeoutMsOrNever,
};

const requestChecks: Record<keyof RequestOptions, Check> = {
  ...waitChecks,
  ifDisconnected: isWaitOrFail,
};

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseServerOptions(options: ServerOptions = {}): ParsedServerOptions {
  const defaults = {
    ...endpointDefaults,
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
  const batchCipher = parseBatchCipher(given.batchCipher);
  return Object.freeze({ ...defaults, ...given, ...parseSecret(given), batchCipher });
}

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseClientOptions(options: ClientOptions = {}): ParsedClientOptions {
  const given = checked(options, clientChecks);
  const retryDelayMs = given.retryDelayMs ?? 100;
  const maxRetryDelayMs = given.maxRetryDelayMs ?? Math.max(5_000, retryDelayMs);
  demand(maxRetryDelayMs >= retryDelayMs, "maxRetryDelayMs", "at least retryDelayMs", maxRetryDelayMs);
  const trust: Trust = Object.freeze([]);
  const once = { connectTimeoutMs: 0, retry: true, offlineQueue: true, signal: undefined };
  const defaults = { ...endpointDefaults, ...once, trust };
  const batchCipher = parseBatchCipher(given.batchCipher);
  const parsed = { ...parseSecret(given), batchCipher, retryDelayMs, maxRetryDelayMs };
  return Object.freeze({ ...defaults, ...given, ...parsed });
}

const broadcastChecks: Record<keyof BroadcastOptions, Check> = { slow: isSlow };

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseSlow(options: BroadcastOptions | undefined): Slow {
  if (options === undefined) return "skip";
  return checked(options, broadcastChecks).slow ?? "skip";
}

const waitDefaults: ParsedReadOptions = Object.freeze({ signal: undefined, timeoutMs: 0 });

const requestDefaults: ParsedRequestOptions = Object.freeze({ ...waitDefaults, ifDisconnected: "wait" });

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseReadOptions(options?: ReadOptions): ParsedReadOptions {
  if (options === undefined) return waitDefaults;
  return { ...waitDefaults, ...checked(options, waitChecks) };
}

/**
 * `timeoutMs`: for requests that do not say so themselves.
 * @throws CallerError `ERR_INVALID_OPTION`
 */
export function parseRequestOptions(options?: RequestOptions, timeoutMs = 0): ParsedRequestOptions {
  if (options === undefined && timeoutMs === 0) return requestDefaults;
  const defaults: ParsedRequestOptions = { ...requestDefaults, timeoutMs };
  if (options === undefined) return defaults;
  return { ...defaults, ...checked(options, requestChecks) };
}

/**
 * Where endpoints with these options find that name. A server trusts nobody.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 */
export function addressOf(name: string, directory: string, trust: Trust = []): Address {
  return resolveAddress(name, { directory, trust, platform: process.platform });
}

/** The part of the options that a session needs. */
export function engineLimits(options: EngineLimits): EngineLimits {
  const { maxMessageBytes, handshakeTimeoutMs, frameTimeoutMs, closeTimeoutMs } = options;
  return { maxMessageBytes, handshakeTimeoutMs, frameTimeoutMs, closeTimeoutMs };
}
