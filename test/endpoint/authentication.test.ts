import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type ClientOptions, SealpipeError, type ServerOptions, startClient, startServer } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientAt, connectedPair, connectTo, freshServer, serverAt } from "../support/endpoints.ts";
import { freshDirectory, freshName } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { Relay } from "../support/relay.ts";
import { nextEvent } from "../support/waiting.ts";

const timeout = 60_000;
const secret = "open sesame";

/** What a client and a server with these options come to: the codes of their errors, and what arrived. */
async function meet(
  t: TestContext,
  atClient: ClientOptions,
  atServer: ServerOptions,
): Promise<{ client: string; server: string; arrived: number }> {
  const server = await freshServer(t, atServer);
  let arrived = 0;
  server.on("message", () => {
    arrived += 1;
  });
  const failed = nextEvent<[SealpipeError]>(server, "error");
  const connecting = startClient(server.name, { ...atClient, retryDelayMs: 5, connectTimeoutMs: 20_000 });
  const failure = await connecting.then(
    () => assert.fail("it connected"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof SealpipeError);
  const [error] = await failed;
  return { client: failure.code, server: error.code, arrived };
}

describe("two ends with the same secret", { timeout }, () => {
  const ways: Record<string, { server: ServerOptions; client: ClientOptions }> = {
    "as text at both": { server: { secret }, client: { secret } },
    "as text and as bytes": { server: { secret }, client: { secret: new TextEncoder().encode(secret) } },
    "and native alone at one": { server: { secret }, client: { secret, profile: "native" } },
  };
  for (const [name, options] of Object.entries(ways)) {
    test(`speak native and encrypted, both ways (${name})`, async (t) => {
      const { client, connection } = await connectedPair(t, options);
      assert.deepEqual([client.profile, client.encrypted], ["native", true]);
      assert.deepEqual([connection.profile, connection.encrypted], ["native", true]);
      await client.write(1, "there");
      await connection.write(2, "and back");
      assert.equal((await connection.read()).text, "there");
      assert.equal((await client.read()).text, "and back");
    });
  }
});

describe("two ends that do not share a secret", { timeout }, () => {
  const failed = { client: "ERR_AUTHENTICATION_FAILED", server: "ERR_AUTHENTICATION_FAILED", arrived: 0 };
  const unencrypted = "ERR_ENCRYPTION_REQUIRED";
  const cases: readonly (readonly [string, ClientOptions, ServerOptions, object])[] = [
    ["have different ones", { secret }, { secret: "open barley" }, failed],
    ["have one at the client only", { secret }, {}, failed],
    ["have one at the server only", {}, { secret }, failed],
    [
      "have one at the client, and the server does not encrypt",
      { secret },
      { encryption: false },
      { client: unencrypted, server: unencrypted, arrived: 0 },
    ],
  ];
  for (const [name, atClient, atServer, expected] of cases) {
    test(`both find out, and nothing is delivered: they ${name}`, async (t) => {
      assert.deepEqual(await meet(t, atClient, atServer), expected);
    });
  }

  test("have one at the client, and the server speaks classic: the client refuses, the server goes on", async (t) => {
    const server = await freshServer(t, { profile: "classic" });
    await assert.rejects(startClient(server.name, { secret }), {
      code: "ERR_PEER_NOT_NATIVE",
      fault: "peer",
    });
    const { client } = await connectTo(t, server);
    assert.equal(client.profile, "classic");
  });

  test("have one at the server, and the client speaks classic: it is connected, and dropped", async (t) => {
    const server = await freshServer(t, { secret });
    const failed = nextEvent<[SealpipeError]>(server, "error");
    let connections = 0;
    server.on("connection", () => {
      connections += 1;
    });
    await clientAt(t, server.name, { profile: "classic" });
    assert.equal((await failed)[0].code, "ERR_PEER_NOT_NATIVE");
    assert.equal(connections, 0);
  });
});

describe("a secret file", { timeout }, () => {
  test("is made by the server if it starts first", async (t) => {
    const secretFile = join(freshDirectory(), "secret");
    const server = await freshServer(t, { secretFile });
    const made = readFileSync(secretFile);
    const { client } = await connectTo(t, server, { secretFile });
    assert.equal(client.profile, "native");
    assert.deepEqual(readFileSync(secretFile), made);
  });

  test("is made by the client if it starts first", async (t) => {
    const secretFile = join(freshDirectory(), "secret");
    const name = freshName();
    const connecting = clientAt(t, name, { secretFile });
    const server = await serverAt(t, name, { secretFile });
    const [client] = await Promise.all([connecting, nextEvent(server, "connection")]);
    assert.equal(client.profile, "native");
  });

  test("serves together with the same bytes as a secret", async (t) => {
    const secretFile = join(freshDirectory(), "secret");
    writeFileSync(secretFile, pattern(32), { mode: 0o600 });
    const { client } = await connectedPair(t, { server: { secretFile }, client: { secret: pattern(32) } });
    assert.equal(client.profile, "native");
  });

  test("of other bytes is another secret", async (t) => {
    const directory = freshDirectory();
    const files = {
      client: { secretFile: join(directory, "one") },
      server: { secretFile: join(directory, "two") },
    };
    const code = "ERR_AUTHENTICATION_FAILED";
    assert.deepEqual(await meet(t, files.client, files.server), { client: code, server: code, arrived: 0 });
  });

  test("is read once: a client that lost its connection needs it no more", async (t) => {
    const secretFile = join(freshDirectory(), "secret");
    const options = { secretFile };
    const { server, client, connection } = await connectedPair(t, { server: options, client: options });
    rmSync(secretFile);
    const back = nextEvent(server, "connection");
    connection.destroy();
    await back;
    await client.write(1, "after");
    assert.equal((await server.read({ timeoutMs: 20_000 })).text, "after");
    assert.equal(existsSync(secretFile), false, "nor was it made again");
  });

  const skip = process.platform === "win32" && "the mode is not looked at on Windows";
  test("that others can read keeps both ends from starting", { skip }, async () => {
    const secretFile = join(freshDirectory(), "secret");
    writeFileSync(secretFile, pattern(32));
    chmodSync(secretFile, 0o644);
    const refused = { code: "ERR_SECRET_FILE", fault: "system", message: /its mode is 0644/ };
    await assert.rejects(startServer(freshName(), { secretFile }), refused);
    await assert.rejects(startClient(freshName(), { secretFile, connectTimeoutMs: 20_000 }), refused);
  });
});

/** A process in the middle: a server for the client, and a client of the server, that hands on what each says. */
async function startMiddle(t: TestContext, target: string): Promise<{ name: string; overheard: string[] }> {
  const overheard: string[] = [];
  const middle = await freshServer(t);
  middle.on("connection", async (connection) => {
    const onward = await startClient(target, { connectTimeoutMs: 20_000 }).catch(() => undefined);
    if (onward === undefined) return connection.destroy();
    t.after(() => onward.close());
    connection.on("message", ({ type, text }) => {
      overheard.push(text);
      void onward.write(type, text);
    });
    onward.on("message", ({ type, text }) => {
      overheard.push(text);
      void connection.write(type, text);
    });
  });
  return { name: middle.name, overheard };
}

describe("a process in the middle that runs an honest handshake with each end", { timeout }, () => {
  test("reads everything and is not noticed without a secret", async (t) => {
    const server = await freshServer(t);
    server.on("message", ({ type, text, connection }) => connection.write(type, `you said ${text}`));
    const { name, overheard } = await startMiddle(t, server.name);
    const client = await clientAt(t, name);
    await client.write(1, "hello");
    assert.equal((await client.read()).text, "you said hello");
    assert.deepEqual([client.profile, client.encrypted], ["native", true]);
    assert.deepEqual(overheard, ["hello", "you said hello"]);
  });

  test("is refused by both ends if they have a secret", async (t) => {
    const server = await freshServer(t, { secret });
    const { name, overheard } = await startMiddle(t, server.name);
    await assert.rejects(startClient(name, { secret }), { code: "ERR_AUTHENTICATION_FAILED" });
    const failed = nextEvent<[SealpipeError]>(server, "error");
    await assert.rejects(startClient(server.name), { code: "ERR_AUTHENTICATION_FAILED" });
    assert.equal((await failed)[0].code, "ERR_AUTHENTICATION_FAILED");
    assert.deepEqual(overheard, []);
  });
});

/** Hands bytes on and holds both sockets, so that the connection can be cut. */
async function startProxy(t: TestContext, target: string): Promise<{ name: string; cut(): void }> {
  const name = freshName();
  const sockets = new Set<Socket>();
  const proxy = createServer((inward) => {
    const outward = connect(addressOf(target));
    for (const [one, other] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(addressOf(name), resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  t.after(() => {
    cut();
    return new Promise((resolve) => proxy.close(resolve));
  });
  return { name, cut };
}

test("a session with a secret goes on after its connection was cut, in order and with nothing lost", {
  timeout,
}, async (t) => {
  const server = await freshServer(t, { secret });
  const { name, cut } = await startProxy(t, server.name);
  const client = await clientAt(t, name, { secret });
  let lost = 0;
  client.on("session-lost", () => {
    lost += 1;
  });
  for (let index = 0; index < 30; index++) {
    if (index % 10 === 9) cut();
    await client.write(1, String(index));
    assert.equal((await server.read({ timeoutMs: 20_000 })).text, String(index));
  }
  assert.equal(lost, 0);
  assert.equal(client.profile, "native");
});

describe("a client that is passed on from its channel to another", { timeout }, () => {
  test("is not noticed with one secret for both, though nobody in between can read anything", async (t) => {
    const other = await freshServer(t, { secret });
    const relay = await Relay.start(t, addressOf(other.name));
    const client = await clientAt(t, relay.name, { secret });
    await client.write(1, "for the channel that was asked for");
    assert.equal((await other.read()).text, "for the channel that was asked for");
  });

  test("is refused by both ends with a secret for each", async (t) => {
    const other = await freshServer(t, { secret: "of the other channel" });
    const relay = await Relay.start(t, addressOf(other.name));
    const failed = nextEvent<[SealpipeError]>(other, "error");
    await assert.rejects(startClient(relay.name, { secret, connectTimeoutMs: 20_000 }), {
      code: "ERR_AUTHENTICATION_FAILED",
    });
    assert.equal((await failed)[0].code, "ERR_AUTHENTICATION_FAILED");
  });
});
