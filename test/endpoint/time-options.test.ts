import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { createClient, type SealpipeError, startClient } from "sealpipe";
import { parseReadOptions } from "#dist/endpoint/options/call-options.js";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { pattern, uint32 } from "../support/bytes.ts";
import { clientOfRaw, connectedPair, freshServer, rawClientOf, rawServer } from "../support/endpoints.ts";
import { lasts, lastingMs as ms } from "../support/lasting.ts";
import { freshName } from "../support/names.ts";
import { nativeFrame, nativeRawClientOf, nativeRecord } from "../support/native-raw-peer.ts";
import { noHalfClose, noUnixSockets } from "../support/platform.ts";
import { RawPeer, receiveFrame } from "../support/raw-peer.ts";
import { nextEvent } from "../support/waiting.ts";

const timeout = 60_000;
const plain = { encryption: false } as const;

async function nextCode(emitter: unknown): Promise<string> {
  return (await nextEvent<[SealpipeError]>(emitter, "error"))[0].code;
}

/** Reads records until one begins with a frame of that kind. */
async function untilFrame(peer: RawPeer, kind: number): Promise<void> {
  while ((await receiveFrame(peer))[0] !== kind);
}

/** A client that looks for a bare server. */
async function lookingClient(t: TestContext, options: Parameters<typeof createClient>[1]) {
  const { name, raw } = await rawServer(t);
  const client = createClient(name, options);
  t.after(() => client.destroy());
  return { client, raw };
}

describe("handshakeTimeoutMs is how long", { timeout }, () => {
  test("a server waits for a client that says nothing", async (t) => {
    const server = await freshServer(t, { handshakeTimeoutMs: ms });
    const code = await lasts(async () => {
      const failed = nextCode(server);
      const peer = await RawPeer.connect(server.address);
      t.after(() => peer.destroy());
      return failed;
    });
    assert.equal(code, "ERR_HANDSHAKE_TIMEOUT");
  });

  test("a client waits for a server that says nothing", async (t) => {
    const code = await lasts(async () =>
      nextCode((await lookingClient(t, { handshakeTimeoutMs: ms })).client),
    );
    assert.equal(code, "ERR_HANDSHAKE_TIMEOUT");
  });
});

describe("frameTimeoutMs is how long is waited for", { timeout }, () => {
  test("the rest of a message on golang-ipc's wire", async (t) => {
    const server = await freshServer(t, { ...plain, frameTimeoutMs: ms });
    const { peer } = await rawClientOf(t, server);
    const code = await lasts(async () => {
      peer.send(uint32(100));
      return nextCode(server);
    });
    assert.equal(code, "ERR_FRAME_TIMEOUT");
  });

  for (const [what, bytes] of [
    ["a record", uint32(100)],
    [
      "a large message",
      nativeRecord(nativeFrame(0x11, uint32(1), uint32(1_000_000), new Uint8Array(20_000))),
    ],
  ] as const) {
    test(`the rest of ${what} on sealpipe's own wire`, async (t) => {
      const server = await freshServer(t, { ...plain, frameTimeoutMs: ms });
      const { peer } = await nativeRawClientOf(t, server);
      const code = await lasts(async () => {
        peer.send(bytes);
        return nextCode(server);
      });
      assert.equal(code, "ERR_FRAME_TIMEOUT");
    });
  }
});

describe("closeTimeoutMs is how long is waited for", { timeout }, () => {
  test("a client that reads nothing", async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: ms });
    const { connection } = await rawClientOf(t, server);
    const code = nextCode(server);
    void connection.write(1, pattern(3_000_000));
    await lasts(() => server.close());
    assert.equal(await code, "ERR_CLOSE_TIMEOUT");
  });

  test("a server that reads nothing", async (t) => {
    const { client } = await clientOfRaw(t, { closeTimeoutMs: ms });
    const code = nextCode(client);
    void client.write(1, pattern(3_000_000));
    await lasts(() => client.close());
    assert.equal(await code, "ERR_CLOSE_TIMEOUT");
  });

  // There the end of a side is the end of the pipe.
  test("a native client that does not close", { skip: noHalfClose }, async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: ms });
    await nativeRawClientOf(t, server);
    const code = nextCode(server);
    await lasts(() => server.close());
    assert.equal(await code, "ERR_CLOSE_TIMEOUT");
  });

  test("a client that has ended its side and reads nothing", { skip: noHalfClose }, async (t) => {
    const server = await freshServer(t, { ...plain, closeTimeoutMs: ms });
    const { peer, connection } = await rawClientOf(t, server);
    void connection.write(1, pattern(3_000_000));
    const closed = nextEvent(connection, "close");
    await lasts(async () => {
      peer.end();
      await closed;
    });
  });
});

describe("keepaliveIntervalMs and keepaliveTimeoutMs are how long", { timeout }, () => {
  test("nothing is heard before a ping", async (t) => {
    const server = await freshServer(t, { ...plain, keepaliveIntervalMs: ms });
    await lasts(async () => untilFrame((await nativeRawClientOf(t, server)).peer, 0x04));
  });

  test("an answer to it is waited for", async (t) => {
    const server = await freshServer(t, { ...plain, keepaliveIntervalMs: 1, keepaliveTimeoutMs: ms });
    const code = nextCode(server);
    const peer = await lasts(async () => {
      const connected = await nativeRawClientOf(t, server);
      assert.equal(await code, "ERR_KEEPALIVE_TIMEOUT");
      return connected.peer;
    });
    // Where the server itself is late it asks again, and does so each time where it gives no time to answer.
    const pings = (await peer.receiveToEnd()).length / nativeRecord(nativeFrame(0x04, uint32(1))).length;
    assert.ok(pings < 20, `${pings} pings`);
  });
});

describe("the other times: how long", { timeout }, () => {
  test("resumeWindowMs: a client whose connection was lost may take to come back", async (t) => {
    const { client, connection } = await connectedPair(t, {
      server: { ...plain, resumeWindowMs: ms },
      client: plain,
    });
    const closed = nextEvent(connection, "close");
    await lasts(async () => {
      client.destroy();
      await closed;
    });
    assert.equal(connection.status, "error");
  });

  test("connectTimeoutMs: a client looks for a server that is not there", async () => {
    const looking = () => startClient(freshName(), { connectTimeoutMs: ms });
    await lasts(() => assert.rejects(looking(), { code: "ERR_CONNECT_TIMEOUT" }));
  });

  test("retryDelayMs: it pauses before its second try, up to half of it less", async (t) => {
    const { raw } = await lookingClient(t, { retryDelayMs: ms });
    (await raw.accept()).destroy();
    await lasts(() => raw.accept(), 0.5);
  });

  test("maxRetryDelayMs: it pauses at most, up to half of it less", async (t) => {
    const { raw } = await lookingClient(t, { retryDelayMs: ms, maxRetryDelayMs: ms });
    (await raw.accept()).destroy();
    await lasts(async () => {
      // Twice as long each time would be 511 times as long.
      for (let tries = 0; tries < 9; tries++) (await raw.accept()).destroy();
    }, 4.5);
  });

  test("addressCheckIntervalMs: a server leaves its socket's file alone", {
    skip: noUnixSockets,
  }, async (t) => {
    await lasts(async () => {
      const { address } = await freshServer(t, { addressCheckIntervalMs: ms });
      rmSync(address);
      while (!existsSync(address)) await new Promise(setImmediate);
    });
  });

  test("timeoutMs: a read waits for a message, and a request for its answer", async (t) => {
    const { client, server } = await connectedPair(t);
    server.handle(1, () => new Promise(() => {}));
    await lasts(() => assert.rejects(client.read({ timeoutMs: ms }), { code: "ERR_READ_TIMEOUT" }));
    await lasts(() =>
      assert.rejects(client.request(1, "", { timeoutMs: ms }), { code: "ERR_REQUEST_TIMEOUT" }),
    );
  });
});

test("requestTimeoutMs is how long a request waits that does not say so itself", { timeout }, async (t) => {
  const options = { requestTimeoutMs: ms };
  const { client, connection, server } = await connectedPair(t, { client: options, server: options });
  server.handle(1, () => new Promise(() => {}));
  client.handle(1, () => new Promise(() => {}));
  for (const end of [client, connection]) {
    await lasts(() => assert.rejects(end.request(1, ""), { code: "ERR_REQUEST_TIMEOUT" }));
  }
});

test("broadcastGraceMs is how long a broadcast waits for a client that has no room", {
  timeout,
}, async (t) => {
  const server = await freshServer(t, { ...plain, broadcastGraceMs: ms, maxQueuedBytes: 4_000_000 });
  // A bare socket that reads nothing.
  await rawClientOf(t, server);
  await lasts(async () => {
    let wait: Promise<void> | undefined;
    while (wait === undefined) wait = server.broadcast(1, pattern(500_000));
    await wait;
  });
});

test("each option that is a time is tried here", () => {
  const source = readFileSync(
    new URL("../../../test/endpoint/time-options.test.ts", import.meta.url),
    "utf8",
  );
  const options = { ...parseServerOptions(), ...parseClientOptions(), ...parseReadOptions() };
  const times = Object.keys(options).filter((name) => /(?:^m|M)s$/.test(name));
  assert.ok(times.length >= 10, times.join());
  for (const name of times) assert.match(source, new RegExp(`\\b${name}: ms\\b`), name);
});
