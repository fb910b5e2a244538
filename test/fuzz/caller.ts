import assert from "node:assert/strict";
import { posix } from "node:path";
import fc from "fast-check";
import { type MessageData, toBytes } from "#dist/endpoint/messages/message.js";
import { parseReadOptions } from "#dist/endpoint/options/call-options.js";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { CallerError, type CallerErrorCode } from "#dist/errors.js";
import { checkMessage } from "#dist/protocol/message.js";
import { resolveAddress } from "#dist/transport/address.js";
import { type Target, target } from "./target.ts";

// What a caller hands in: any value at all, as plain JavaScript may.

/** The result, or the code of the CallerError that was thrown. */
function outcome<T>(act: () => T): { result: T } | { code: CallerErrorCode } {
  try {
    return { result: act() };
  } catch (error) {
    assert.ok(error instanceof CallerError, `not a CallerError: ${String(error)}`);
    return { code: error.code };
  }
}

const odd = fc.constantFrom<unknown>(
  ...[undefined, null, true, false, "", "1", "/tmp", "relative", "/a\0b", Number.NaN, -0, 0, -1, 0.5, 1],
  ...[
    64,
    5_000,
    1e6,
    1e6 + 1,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    1n,
  ],
  ...[Symbol("s"), () => 1, [], {}, Object.create(null), new Map(), new Date(Number.NaN)],
  ...[new AbortController().signal, new Uint8Array(3), new DataView(new ArrayBuffer(2)), new ArrayBuffer(1)],
);
const anything = fc.oneof(
  { weight: 12, arbitrary: odd },
  { weight: 4, arbitrary: fc.integer() },
  { weight: 2, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.anything({ withNullPrototype: true, withTypedArray: true, maxDepth: 1 }) },
);

const optionNames = [
  ...[
    "directory",
    "maxMessageBytes",
    "maxQueuedBytes",
    "handshakeTimeoutMs",
    "frameTimeoutMs",
    "closeTimeoutMs",
    "profile",
    "secret",
    "secretFile",
    "keepaliveIntervalMs",
    "keepaliveTimeoutMs",
    "application",
    "applicationVersion",
    "codec",
    "contracts",
    "maxConcurrentRequests",
    "exposeStacks",
    "resumeWindowMs",
    "maxDetachedSessions",
    "maxDetachedBytes",
    "trust",
    "addressCheckIntervalMs",
    "requestTimeoutMs",
    "broadcastGraceMs",
    ...["fd", "transport", "via", "authenticatedBy", "listen"],
  ],
  ...["encryption", "unmaskPermissions", "maxConnections", "maxPendingHandshakes", "connectTimeoutMs"],
  ...[
    "retryDelayMs",
    "maxRetryDelayMs",
    "offlineQueue",
    "signal",
    "timeoutMs",
    "__proto__",
    "constructor",
    "length",
  ],
];
const entry = fc.tuple(
  fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...optionNames) }, fc.string()),
  anything,
);
const given = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(entry, { maxLength: 3 }).map((entries): unknown => Object.fromEntries(entries)),
  },
  { weight: 1, arbitrary: anything },
);

const mayBeZero = new Set([
  ...["connectTimeoutMs", "timeoutMs", "addressCheckIntervalMs", "keepaliveIntervalMs", "resumeWindowMs"],
  ...["requestTimeoutMs", "broadcastGraceMs"],
]);
/** Secrets are turned into bytes of our own, contracts, commands and trust copied. */
const transformed = new Set(["trust", "secret", "contracts", "via"]);
const mayBeUndefined = new Set(["signal", "secret", "secretFile", "fd", "transport", "via"]);

function checkNumber(name: string, value: number): void {
  assert.ok(Number.isSafeInteger(value) && value >= (mayBeZero.has(name) ? 0 : 1), `${name}: ${value}`);
  // A timer of the platform that is given more fires at once.
  if (name.endsWith("Ms")) assert.ok(value <= 2_147_483_647, `${name}: ${value}`);
}

/** Without a socket's owner to look at, nothing else tells who the peer is. */
function demandsSecret({ transport, via, listen, secret, secretFile }: Record<string, unknown>): boolean {
  const hasNoSocket = transport !== undefined || via !== undefined || listen === false;
  return hasNoSocket && secret === undefined && secretFile === undefined;
}

function options(kind: string, parse: (options: never) => object): Target {
  return target(`options of a ${kind}: taken as they are, or refused`, 150, given, (options) => {
    const told = outcome(() => parse(options as never));
    if ("code" in told) {
      if (told.code === "ERR_SECRET_REQUIRED") assert.ok(demandsSecret(options as Record<string, unknown>));
      else assert.equal(told.code, "ERR_INVALID_OPTION");
      return;
    }
    for (const [name, value] of Object.entries(options ?? {})) {
      if (value !== undefined && !transformed.has(name))
        assert.ok(Object.is((told.result as Record<string, unknown>)[name], value), name);
    }
    for (const [name, value] of Object.entries(told.result)) {
      assert.ok(value !== undefined || mayBeUndefined.has(name), name);
      if (typeof value === "number") checkNumber(name, value);
    }
    assert.deepEqual(Object.keys(told.result).sort(), Object.keys(parse({} as never)).sort());
  });
}

const nameText = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("a", "Z", "9", ".", "_", "-", "/", "\\", "\0", "é", " ", "\n"),
    maxLength: 20,
  }),
  fc.string({ unit: fc.constantFrom("a", ".", "-"), minLength: 80, maxLength: 270 }),
);
const directories = fc.oneof(
  fc.constantFrom("/", "//", "/tmp", "/tmp/", "/tmp//", "/run/user/1000", `/${"é".repeat(40)}`),
  fc.string({ unit: fc.constantFrom("a", "/", ".", "é"), maxLength: 110 }).map((path) => `/${path}`),
);
const platforms = fc.constantFrom<NodeJS.Platform>("linux", "darwin", "win32", "freebsd");

const names = target(
  "names: a name is a file of its directory and no other, or is refused",
  200,
  fc.tuple(
    fc.oneof({ weight: 9, arbitrary: nameText as fc.Arbitrary<unknown> }, anything),
    directories,
    platforms,
  ),
  ([name, directory, platform]) => {
    const told = outcome(() => resolveAddress(name as string, { directory, platform }));
    if ("code" in told) {
      assert.ok(told.code === "ERR_INVALID_NAME" || told.code === "ERR_ADDRESS_TOO_LONG", told.code);
      return;
    }
    const { kind, path } = told.result;
    assert.match(String(name), /^[A-Za-z0-9._-]+$/);
    assert.ok(!String(name).includes(".."));
    assert.ok(!path.includes("\0"));
    if (platform === "win32") {
      assert.deepEqual([kind, path], ["named-pipe", `\\\\.\\pipe\\${name}`]);
      assert.ok(path.length <= 256);
      return;
    }
    assert.equal(kind, "unix-socket");
    assert.equal(posix.basename(path), `${name}.sock`);
    assert.equal(posix.resolve(posix.dirname(path)), posix.resolve(directory));
    assert.ok(Buffer.byteLength(path) <= (platform === "linux" ? 107 : 103));
  },
);

const messages = target(
  "messages: any type and any data can be sent as they are, or are refused",
  150,
  fc.tuple(anything, anything),
  ([type, data]) => {
    const told = outcome(() => {
      const bytes = toBytes(data as MessageData);
      checkMessage(type as number, bytes.length, 1_000);
      return bytes;
    });
    if ("code" in told) return;
    assert.ok(Number.isInteger(type) && (type as number) >= 1 && (type as number) <= 0xffff_ffff);
    assert.ok(told.result instanceof Uint8Array && told.result.length <= 1_000);
  },
);

export const callerTargets: readonly Target[] = [
  options("server", parseServerOptions),
  options("client", parseClientOptions),
  options("read", parseReadOptions),
  names,
  messages,
];
