import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { CallerError } from "sealpipe";
import { parseReadOptions, parseRequestOptions } from "#dist/endpoint/options/call-options.js";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";

type Parse = (options?: object) => object;

const endpointDefaults = {
  directory: "/tmp",
  privateDirectory: false,
  maxMessageBytes: 3_145_728,
  maxQueuedBytes: 8_388_608,
  handshakeTimeoutMs: 5_000,
  frameTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
  profile: "auto",
  keepaliveIntervalMs: 10_000,
  keepaliveTimeoutMs: 10_000,
  application: "",
  applicationVersion: "",
  codec: "",
  contracts: [],
  secret: undefined,
  secretFile: undefined,
  authenticatedBy: "secret",
  batchCipher: true,
  maxConcurrentRequests: 256,
  maxConcurrentStreams: 64,
  streamWindowBytes: 524_288,
  requestTimeoutMs: 0,
  exposeStacks: false,
  encryption: true,
};

const kinds: Record<string, { parse: Parse; defaults: object }> = {
  "a server": {
    parse: parseServerOptions,
    defaults: {
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
    },
  },
  "a client": {
    parse: parseClientOptions,
    defaults: {
      ...endpointDefaults,
      trust: [],
      retry: true,
      connectTimeoutMs: 0,
      retryDelayMs: 100,
      maxRetryDelayMs: 5_000,
      offlineQueue: true,
      transport: undefined,
      via: undefined,
      signal: undefined,
    },
  },
  "a read": { parse: parseReadOptions, defaults: { signal: undefined, timeoutMs: 0 } },
  "a request": {
    parse: parseRequestOptions,
    defaults: { signal: undefined, timeoutMs: 0, ifDisconnected: "wait", context: undefined },
  },
};

const maxTimeoutMs = 2_147_483_647;
const gibibyte = 1_073_741_824;

/** The least and the most of each option that is a number. */
const bounds: Record<string, Record<string, readonly [number, number]>> = {
  "a server": {
    maxMessageBytes: [1, gibibyte],
    maxQueuedBytes: [1, Number.MAX_SAFE_INTEGER],
    handshakeTimeoutMs: [1, maxTimeoutMs],
    frameTimeoutMs: [1, maxTimeoutMs],
    closeTimeoutMs: [1, maxTimeoutMs],
    keepaliveIntervalMs: [0, maxTimeoutMs],
    keepaliveTimeoutMs: [1, maxTimeoutMs],
    maxConcurrentRequests: [1, 1_000_000],
    maxConcurrentStreams: [1, 1_000_000],
    streamWindowBytes: [65_536, 2_147_483_647],
    requestTimeoutMs: [0, maxTimeoutMs],
    addressCheckIntervalMs: [0, maxTimeoutMs],
    maxConnections: [1, 1_000_000],
    maxPendingHandshakes: [1, 1_000_000],
    resumeWindowMs: [0, maxTimeoutMs],
    maxDetachedSessions: [1, 1_000_000],
    maxDetachedBytes: [1, Number.MAX_SAFE_INTEGER],
    broadcastGraceMs: [0, maxTimeoutMs],
  },
  "a client": {
    maxMessageBytes: [1, gibibyte],
    maxQueuedBytes: [1, Number.MAX_SAFE_INTEGER],
    handshakeTimeoutMs: [1, maxTimeoutMs],
    frameTimeoutMs: [1, maxTimeoutMs],
    closeTimeoutMs: [1, maxTimeoutMs],
    keepaliveIntervalMs: [0, maxTimeoutMs],
    keepaliveTimeoutMs: [1, maxTimeoutMs],
    maxConcurrentRequests: [1, 1_000_000],
    maxConcurrentStreams: [1, 1_000_000],
    streamWindowBytes: [65_536, 2_147_483_647],
    requestTimeoutMs: [0, maxTimeoutMs],
    connectTimeoutMs: [0, maxTimeoutMs],
    maxRetryDelayMs: [100, maxTimeoutMs],
  },
  "a read": { timeoutMs: [0, maxTimeoutMs] },
  "a request": { timeoutMs: [0, maxTimeoutMs] },
};

/** What is true or false, a path or a signal, and not a number. */
const others: Record<string, Record<string, readonly unknown[]>> = {
  "a server": {
    directory: ["/", "/run/user/1000", "runtime"],
    privateDirectory: [true, false],
    encryption: [true, false],
    exposeStacks: [true, false],
    batchCipher: [true, false],
    profile: ["auto", "classic", "native"],
    listen: [true, false],
    authenticatedBy: ["secret", "transport"],
    unmaskPermissions: [true, false],
    fd: [3, 2_147_483_647, "systemd"],
  },
  "a client": {
    directory: ["/", "/run/user/1000", "runtime"],
    privateDirectory: [true, false],
    encryption: [true, false],
    exposeStacks: [true, false],
    batchCipher: [true, false],
    profile: ["auto", "classic", "native"],
    offlineQueue: [true, false],
    signal: [new AbortController().signal],
  },
  "a read": { signal: [new AbortController().signal, AbortSignal.abort()] },
  "a request": { signal: [new AbortController().signal, AbortSignal.abort()] },
};

const wrongNumbers = ["5", 1.5, Number.NaN, Number.POSITIVE_INFINITY, -1, null, true, 5n, [5], {}];
const wrongOthers = [
  0,
  1,
  "",
  "true",
  "relative",
  "./x",
  "/with\0zero",
  "/half\ud83d",
  null,
  {},
  [],
  { aborted: false },
];

/** What another library could have left in `Object.prototype`, where 77 would not do as an option. */
const pollution: Record<string, unknown> = {
  directory: "/nowhere",
  trust: "any",
  profile: "native",
  secret: "put there by another library",
  secretFile: "/nowhere/secret",
  application: "another",
  applicationVersion: "another",
  codec: "another",
  contracts: [],
  exposeStacks: true,
  encryption: false,
  unmaskPermissions: true,
  offlineQueue: false,
  listen: false,
  authenticatedBy: "transport",
  transport: () => {},
  via: ["somewhere"],
  signal: AbortSignal.abort(),
};

function polluted(name: string, value: unknown, during: () => void): void {
  Object.defineProperty(Object.prototype, name, {
    value,
    configurable: true,
    writable: true,
    enumerable: true,
  });
  try {
    during();
  } finally {
    delete (Object.prototype as Record<string, unknown>)[name];
  }
}

function refuses(parse: Parse, options: unknown, message: RegExp): void {
  assert.throws(
    () => parse(options as object),
    (error) => {
      assert.ok(error instanceof CallerError);
      assert.equal(error.code, "ERR_INVALID_OPTION");
      assert.match(error.message, message);
      return true;
    },
  );
}

for (const kind of ["a server", "a client"] as const) {
  describe(`the texts that ${kind} tells of its program`, () => {
    const { parse } = kinds[kind] as { parse: Parse };
    for (const name of ["application", "applicationVersion", "codec"]) {
      test(`have up to 255 bytes, byte order mark and all: ${name}`, () => {
        const longest = `\ufeff${"é".repeat(126)}`;
        assert.equal((parse({ [name]: longest }) as Record<string, unknown>)[name], longest);
        refuses(
          parse,
          { [name]: `${longest}e` },
          new RegExp(`^${name} must be a string of at most 255 bytes`),
        );
      });

      test(`arrive as they are or are refused: ${name}`, () => {
        refuses(parse, { [name]: "half of \ud83d" }, new RegExp(`^${name} must be a string of at most 255`));
      });
    }
  });
}

for (const [kind, { parse, defaults }] of Object.entries(kinds)) {
  describe(`the options of ${kind}`, () => {
    test("have the documented defaults", () => {
      assert.deepEqual(parse(), defaults);
      assert.deepEqual(parse({}), defaults);
    });

    test("count as not given if they are undefined", () => {
      const undefineds = Object.fromEntries(Object.keys(defaults).map((name) => [name, undefined]));
      assert.deepEqual(parse(undefineds), defaults);
    });

    test("are complete and frozen", () => {
      const parsed = parse({});
      if (kind.endsWith("server") || kind.endsWith("client")) assert.ok(Object.isFrozen(parsed));
      assert.deepEqual(Object.keys(parsed).sort(), Object.keys(defaults).sort());
    });

    test("are not read from the caller's object later", () => {
      const given: Record<string, unknown> = { ...defaults };
      const parsed = parse(given);
      for (const name of Object.keys(given)) given[name] = "changed";
      assert.deepEqual(parsed, defaults);
    });

    test("are each read once, so that what was checked is what is used", () => {
      const reads: string[] = [];
      const getters = Object.fromEntries(
        Object.entries(defaults).map(([name, value]) => {
          const get = () => (reads.push(name) > Object.keys(defaults).length ? "another" : value);
          return [name, { get, enumerable: true }];
        }),
      );
      assert.deepEqual(parse(Object.defineProperties({}, getters)), defaults);
      assert.deepEqual(reads, Object.keys(defaults));
    });

    test("are not what somebody has put into Object.prototype", () => {
      for (const name of Object.keys(defaults)) {
        polluted(name, pollution[name] ?? 77, () => {
          assert.deepEqual(parse(), defaults);
          const { [name]: _, ...rest } = defaults as Record<string, unknown>;
          const parsed = parse(rest) as Record<string, unknown>;
          assert.deepEqual({ ...parsed }, defaults);
          assert.ok(Object.hasOwn(parsed, name), name);
        });
      }
    });

    test("are refused if one is unknown, and those there are are named", () => {
      refuses(parse, { handshakeTimeout: 5 }, /there is no option "handshakeTimeout"; there are .*imeoutMs/);
      refuses(parse, { toString: 5 }, /there is no option "toString"/);
      refuses(parse, JSON.parse('{"__proto__": 5}'), /there is no option "__proto__"/);
      refuses(parse, { unknown: undefined }, /there is no option "unknown"/);
    });

    for (const options of [
      null,
      5,
      "options",
      true,
      () => {},
      [],
      new Map([["encryption", false]]),
      new Date(0),
    ]) {
      test(`are not ${inspect(options)}`, () => refuses(parse, options, /options must be a plain object/));
    }

    test("are read from an object without a prototype", () => {
      assert.deepEqual(parse(Object.create(null)), defaults);
    });

    for (const [name, [least, most]] of Object.entries(bounds[kind] as object)) {
      test(`have ${name} from ${least} to ${most}`, () => {
        for (const value of [least, most]) {
          assert.equal((parse({ [name]: value }) as Record<string, unknown>)[name], value);
        }
        refuses(parse, { [name]: least - 1 }, new RegExp(`^${name} must be `));
        // One more than the highest integer that is exact is no integer that one could ask for.
        refuses(parse, { [name]: most + 1 }, new RegExp(`^${name} must be `));
      });

      test(`have ${name} as an integer, and make none of anything else`, () => {
        for (const value of wrongNumbers) {
          refuses(parse, { [name]: value }, new RegExp(`^${name} must be .*, not `));
        }
      });
    }

    for (const [name, values] of Object.entries(others[kind] as Record<string, unknown[]>)) {
      test(`have ${name} as it was given, and make it of nothing else`, () => {
        for (const value of values) {
          assert.equal((parse({ [name]: value }) as Record<string, unknown>)[name], value);
        }
        for (const value of wrongOthers) {
          refuses(parse, { [name]: value }, new RegExp(`^${name} must be .*, not `));
        }
      });
    }
  });
}

describe("how a client gets to its server without an address", () => {
  const make = (): never => {
    throw new Error("not called");
  };
  const secret = "a secret";

  test("is a function or a command", () => {
    assert.equal(parseClientOptions({ transport: make, secret }).transport, make);
    const via = ["ssh", "-T", "host", ""];
    const parsed = parseClientOptions({ via, secret }).via;
    via.push("changed");
    assert.deepEqual(parsed, ["ssh", "-T", "host", ""]);
    assert.ok(Object.isFrozen(parsed));
    for (const transport of [null, true, "ssh", {}, [make]]) {
      refuses(parseClientOptions, { transport, secret }, /^transport must be a function, not /);
    }
    for (const wrong of [null, "ssh", {}, [], [""], [5], ["ssh", null], ["a\0b"], ["half \ud83d"]]) {
      refuses(
        parseClientOptions,
        { via: wrong, secret },
        /^via must be a list of strings, the program and its arg/,
      );
    }
  });

  test("excludes what is about addresses, and is one of the two", () => {
    refuses(
      parseClientOptions,
      { transport: make, via: ["ssh"], secret },
      /^transport does not go together with via/,
    );
    const ofAddresses = { directory: "/tmp", privateDirectory: false, trust: [] };
    for (const [name, value] of Object.entries(ofAddresses)) {
      for (const way of [{ transport: make }, { via: ["ssh"] }]) {
        const message = new RegExp(`^${Object.keys(way)} does not go together with ${name}, which is`);
        refuses(parseClientOptions, { ...way, secret, [name]: value }, message);
      }
    }
  });

  test("needs a secret, or words against one, and not both", () => {
    for (const way of [{ transport: make }, { via: ["ssh"] }]) {
      for (const without of [{}, { authenticatedBy: "secret" as const }]) {
        assert.throws(() => parseClientOptions({ ...way, ...without }), { code: "ERR_SECRET_REQUIRED" });
      }
      for (const known of [
        { secret },
        { secretFile: "/a/file" },
        { authenticatedBy: "transport" as const },
      ]) {
        assert.deepEqual(
          { ...parseClientOptions({ ...way, ...known }), ...way },
          parseClientOptions({ ...way, ...known }),
        );
      }
      refuses(
        parseClientOptions,
        { ...way, secret, authenticatedBy: "transport" },
        /^secret does not go together with authenticatedBy "transport"/,
      );
    }
    for (const authenticatedBy of [true, null, "nobody", 0]) {
      for (const parse of [parseClientOptions, parseServerOptions] as Parse[]) {
        refuses(parse, { authenticatedBy }, /^authenticatedBy must be "secret" or "transport", not /);
      }
    }
  });

  test("is needed for words against a secret, at a client", () => {
    const message = /^authenticatedBy does not go together with an address/;
    refuses(parseClientOptions, { authenticatedBy: "transport" }, message);
    assert.equal(parseClientOptions({ authenticatedBy: "secret" }).authenticatedBy, "secret");
  });
});

describe("whom a client trusts", () => {
  test("is a list of users or any", () => {
    assert.equal(parseClientOptions({ trust: "any" }).trust, "any");
    for (const trust of [[], [0], [1_000, 4_294_967_294]]) {
      assert.deepEqual(parseClientOptions({ trust }).trust, trust);
    }
  });

  test("is nothing else", () => {
    const wrong = ["", "owner", 1_000, null, {}, new Set([1]), new Array(1)];
    for (const trust of [...wrong, ["1000"], [-1], [1.5], [Number.NaN], [4_294_967_295]]) {
      refuses(
        parseClientOptions as Parse,
        { trust },
        /^trust must be a list of user ids from 0 to 4294967294 or "any", not /,
      );
    }
  });

  test("is what the list said as it was checked", () => {
    let asked = 0;
    const trust = Object.defineProperty([1_000], 0, { get: () => (asked++ === 0 ? 1_000 : 1_001) });
    assert.deepEqual(parseClientOptions({ trust }).trust, [1_000]);
  });

  test("does not change with the caller's list", () => {
    const trust = [1_000];
    const parsed = parseClientOptions({ trust });
    trust.push(1_001);
    assert.deepEqual(parsed.trust, [1_000]);
    assert.ok(Object.isFrozen(parsed.trust));
  });

  test("is not an option of a server", () => {
    refuses(parseServerOptions as Parse, { trust: [1_000] }, /^there is no option "trust"/);
  });
});

describe("what a native peer is told of a program", () => {
  for (const parse of [parseServerOptions, parseClientOptions]) {
    for (const name of ["application", "applicationVersion", "codec"] as const) {
      test(`is ${name}, a text that a hello has room for, to ${parse.name}`, () => {
        for (const text of ["", "x".repeat(255), "é".repeat(127)])
          assert.equal(parse({ [name]: text })[name], text);
        for (const wrong of ["x".repeat(256), "é".repeat(128), 1, null, {}, true, Buffer.from("x")]) {
          refuses(
            parse as Parse,
            { [name]: wrong },
            new RegExp(`^${name} must be a string of at most 255 bytes`),
          );
        }
      });
    }
  }
});

describe("the contracts that a native peer is told of", () => {
  const identity = { name: "x".repeat(255), version: "é", hash: new Uint8Array(32) };
  for (const parse of [parseServerOptions, parseClientOptions]) {
    test(`are up to 16, each with name, version and hash, to ${parse.name}`, () => {
      const contracts = Array.from({ length: 16 }, () => identity);
      assert.deepEqual(parse({ contracts }).contracts, contracts);
      refuses(
        parse as Parse,
        { contracts: [...contracts, identity] },
        /^contracts must be a list of at most 16/,
      );
    });

    test(`are refused if one of them is none, to ${parse.name}`, () => {
      const wrong: [unknown, RegExp][] = [
        [identity, /^contracts must be a list/],
        [[null], /^the name of each of the contracts must be a string of at most 255 bytes/],
        [[{ ...identity, name: `${identity.name}x` }], /^the name of each/],
        [[{ ...identity, version: 1 }], /^the version of each/],
        [[{ ...identity, hash: new Uint8Array(31) }], /^the hash of each .* a Uint8Array of 32 bytes/],
        [[{ ...identity, hash: "0".repeat(64) }], /^the hash of each/],
      ];
      for (const [contracts, message] of wrong) refuses(parse as Parse, { contracts }, message);
    });

    test(`do not change with the caller's objects, to ${parse.name}`, () => {
      const mine = { ...identity, hash: new Uint8Array(32) };
      const contracts = [mine];
      const parsed = parse({ contracts });
      mine.name = "another";
      mine.hash.fill(1);
      contracts.pop();
      assert.deepEqual(parsed.contracts, [identity]);
    });
  }
});

describe("the pauses between a client's tries", () => {
  test("may be as long as each other, and not longer than the longest", () => {
    assert.equal(parseClientOptions({ retryDelayMs: 7, maxRetryDelayMs: 7 }).maxRetryDelayMs, 7);
    refuses(parseClientOptions, { retryDelayMs: 8, maxRetryDelayMs: 7 }, /maxRetryDelayMs must be at least/);
    refuses(parseClientOptions, { maxRetryDelayMs: 99 }, /maxRetryDelayMs must be at least retryDelayMs/);
  });

  test("have the first as the longest if it is over the default of that", () => {
    assert.equal(parseClientOptions({ retryDelayMs: 6_000 }).maxRetryDelayMs, 6_000);
    assert.equal(parseClientOptions({ retryDelayMs: 4_000 }).maxRetryDelayMs, 5_000);
  });

  test("are from 1 ms to what a timer takes", () => {
    assert.equal(parseClientOptions({ retryDelayMs: 1 }).retryDelayMs, 1);
    assert.equal(parseClientOptions({ retryDelayMs: maxTimeoutMs }).retryDelayMs, maxTimeoutMs);
    for (const value of [0, maxTimeoutMs + 1, ...wrongNumbers]) {
      refuses(parseClientOptions, { retryDelayMs: value }, /^retryDelayMs must be an integer from 1 to /);
    }
  });
});
