import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { PassThrough } from "node:stream";
import { describe, type TestContext, test } from "node:test";
import {
  CallerError,
  type Client,
  type ClientOptions,
  createClient,
  type Server,
  type ServerOptions,
  SystemError,
  startClient,
  startServer,
} from "sealpipe";
import { freshName } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { type Port, portOf } from "../support/tcp.ts";
import { isSettled, nextEvent, record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;
const secret = randomBytes(32);
const soon: ClientOptions = { retryDelayMs: 5, maxRetryDelayMs: 5 };

async function serverWithPort(
  t: TestContext,
  options: ServerOptions = { secret },
): Promise<{ server: Server; port: Port }> {
  const server = await startServer(freshName(), { listen: false, ...options });
  t.after(() => {
    server.destroy();
    return server.close();
  });
  return { server, port: await portOf(t, server) };
}

async function clientOf(t: TestContext, port: Port, options: ClientOptions = { secret }): Promise<Client> {
  const client = await startClient(freshName(), { ...soon, transport: () => port.connect(), ...options });
  t.after(() => {
    client.destroy();
    return client.close();
  });
  return client;
}

function hasCode(code: string, message = /./): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as CallerError).code, code);
    assert.match((error as CallerError).message, message);
    return true;
  };
}

describe("a duplex that the program hands in", { timeout }, () => {
  test("carries messages, requests and streams, both ways", async (t) => {
    const { server, port } = await serverWithPort(t);
    server.handle(1, ({ text }) => text.toUpperCase());
    server.handleStream(2, async (stream) => {
      for await (const { text } of stream) await stream.write(`${text}!`);
    });
    const connected = nextEvent<[import("sealpipe").Connection]>(server, "connection");
    const client = await clientOf(t, port);
    client.handle(3, () => "the client's");
    const [connection] = await connected;

    assert.equal((await client.request(1, "hello")).text, "HELLO");
    assert.equal((await connection.request(3, "")).text, "the client's");
    const large = "x".repeat(2_000_000);
    await client.write(4, large);
    assert.equal((await server.read()).text, large);
    const stream = await client.openStream(2, "");
    await stream.write("item");
    stream.end();
    const items: string[] = [];
    for await (const { text } of stream) items.push(text);
    assert.deepEqual(items, ["item!"]);
    assert.deepEqual([client.profile, client.encrypted, client.address], ["native", true, "the transport"]);
    assert.equal(client.peer?.pid, process.pid);
  });

  test("closes in order, and the duplexes with it", async (t) => {
    const { server, port } = await serverWithPort(t);
    const client = await clientOf(t, port);
    await client.write(1, "the last");
    await client.close();
    assert.equal((await server.read()).text, "the last");
    const { clients, servers } = port.sockets;
    await until(() => [...clients, ...servers].every(({ destroyed }) => destroyed));
    assert.equal(client.status, "closed");
  });

  test("is replaced by a new one when it breaks, and nothing is lost or doubled", async (t) => {
    const { server, port } = await serverWithPort(t);
    server.handle(1, async ({ text }) => text);
    const client = await clientOf(t, port);
    const lost = record(client, "session-lost");
    const received: number[] = [];
    server.on("message", ({ text }) => received.push(Number(text)));
    const answers: Promise<string>[] = [];
    for (let number = 0; number < 2_000; number++) {
      await client.write(2, `${number}`);
      answers.push(client.request(1, `${number}`).then(({ text }) => text));
      if (number % 400 === 399) {
        port.sockets.clients.at(-1)?.destroy();
        await nextEvent(client, "status");
        await client.connected();
      }
    }
    assert.deepEqual(
      await Promise.all(answers),
      Array.from({ length: 2_000 }, (_, number) => `${number}`),
    );
    await client.flush();
    assert.deepEqual(
      received,
      Array.from({ length: 2_000 }, (_, number) => number),
    );
    assert.deepEqual(lost, []);
    assert.equal(port.sockets.clients.length, 6);
    assert.equal(server.connections.length, 1);
  });

  test("is lost by a silence longer than the keepalive allows", async (t) => {
    const { server, port } = await serverWithPort(t);
    server.handle(1, () => "there");
    const options = { secret, keepaliveIntervalMs: 40, keepaliveTimeoutMs: 40 };
    const client = await clientOf(t, port, options);
    const failed = nextEvent<[SystemError]>(client, "error");
    // Never drains and never ends, as a stopped process.
    port.sockets.servers[0]?.pause();
    port.sockets.servers[0]?.removeAllListeners("data");
    assert.match((await failed)[0].code, /ERR_KEEPALIVE_TIMEOUT|ERR_CONNECTION_LOST/);
    await client.connected();
    assert.equal((await client.request(1, "")).text, "there");
  });

  test("holds up a writer while the application does not read", async (t) => {
    const { server, port } = await serverWithPort(t, { secret, maxQueuedBytes: 400_000 });
    const client = await clientOf(t, port, { secret, maxQueuedBytes: 400_000 });
    let written = 0;
    while (written < 1_000) {
      const room = client.write(1, new Uint8Array(10_000));
      written += 1;
      if (room !== undefined && !(await isSettled(room))) break;
    }
    assert.ok(written < 100, `${written} messages were written`);
    for (let read = 0; read < written; read++) assert.equal((await server.read()).data.length, 10_000);
    await client.flush();
  });
});

describe("a server without an address", { timeout }, () => {
  test("has none, and is found by nobody", async (t) => {
    const { server } = await serverWithPort(t);
    assert.deepEqual([server.address, server.status], ["", "listening"]);
    assert.equal(existsSync(addressOf(server.name)), false);
    await assert.rejects(startClient(server.name, { retry: false }), hasCode("ERR_CONNECT_FAILED"));
  });

  test("has a name that one may have", async () => {
    await assert.rejects(startServer("no/slashes", { listen: false }), hasCode("ERR_INVALID_NAME"));
    await assert.rejects(
      startClient("no/slashes", { transport: () => new PassThrough(), secret }),
      hasCode("ERR_INVALID_NAME"),
    );
  });

  test("accepts duplexes beside clients at its address, if it has one", async (t) => {
    const { server, port } = await serverWithPort(t, { listen: true, secret });
    server.handle(1, ({ connection }) => `${connection.id}`);
    const client = await clientOf(t, port);
    await using local = await startClient(server.name, { secret });
    assert.deepEqual([(await client.request(1, "")).text, (await local.request(1, "")).text], ["1", "2"]);
  });
});

describe("who is at the other end of a duplex", { timeout }, () => {
  test("is known by a secret, without which neither end begins", async (t) => {
    const { server, port } = await serverWithPort(t, {});
    await assert.rejects(
      startClient(freshName(), { transport: () => port.connect() }),
      hasCode("ERR_SECRET_REQUIRED", /authenticatedBy: "transport"/),
    );
    assert.throws(() => createClient("x", { via: ["true"] }), hasCode("ERR_SECRET_REQUIRED"));
    assert.equal(port.sockets.clients.length, 0);
    const duplex = new PassThrough();
    assert.throws(() => server.accept(duplex), hasCode("ERR_SECRET_REQUIRED"));
    assert.deepEqual([duplex.destroyed, duplex.listenerCount("data")], [false, 0]);
  });

  test("is refused with another secret, or with none", async (t) => {
    const { server, port } = await serverWithPort(t);
    const connections = record(server, "connection");
    for (const wrong of [{ secret: "another" }, { authenticatedBy: "transport" as const }]) {
      await assert.rejects(
        startClient(freshName(), { transport: () => port.connect(), ...wrong }),
        hasCode("ERR_AUTHENTICATION_FAILED"),
      );
    }
    assert.deepEqual(connections, []);
  });

  test("is right whoever it is, if both ends say so", async (t) => {
    const { server, port } = await serverWithPort(t, { authenticatedBy: "transport" });
    server.handle(1, () => "you may");
    const client = await clientOf(t, port, { authenticatedBy: "transport" });
    assert.equal((await client.request(1, "")).text, "you may");
  });
});

describe("a client's transport that makes no duplex", { timeout }, () => {
  const failures: Record<string, ClientOptions["transport"]> = {
    throws: () => {
      throw new Error("no route");
    },
    rejects: async () => {
      throw new Error("no route");
    },
    "throws what is no error": () => {
      throw "no route";
    },
    "gives a duplex that has failed already": () => {
      const duplex = new PassThrough();
      duplex.on("error", () => {});
      return duplex.destroy(new Error("no route"));
    },
    "gives a duplex that fails at once": () => {
      const duplex = new PassThrough();
      setImmediate(() => duplex.destroy(new Error("no route")));
      return duplex;
    },
  };
  for (const [how, transport] of Object.entries(failures)) {
    test(`is tried again, and reported once: it ${how}`, async (t) => {
      let tries = 0;
      const client = createClient("my-app", {
        ...soon,
        secret,
        transport: (options) => {
          tries += 1;
          return transport?.(options) as PassThrough;
        },
      });
      t.after(() => client.close());
      const errors = record<Error>(client, "error");
      await until(() => tries > 5);
      assert.equal(errors.length, 1);
      assert.match(errors[0]?.message ?? "", /^cannot connect to the transport: no route$/);
      assert.equal(client.status, "connecting");
    });

    test(`fails a client that does not try again: it ${how}`, async () => {
      await assert.rejects(
        startClient("my-app", { secret, retry: false, transport }),
        hasCode("ERR_CONNECT_FAILED", /no route/),
      );
    });
  }

  test("is only a server that is not there, if the error's code says so", async (t) => {
    let tries = 0;
    const transport = () => {
      tries += 1;
      throw Object.assign(new Error("nobody"), { code: "ECONNREFUSED" });
    };
    const client = createClient("my-app", { ...soon, secret, transport });
    t.after(() => client.close());
    const errors = record(client, "error");
    await until(() => tries > 3);
    assert.deepEqual(errors, []);
  });

  test("ends the client, if what it makes is no duplex", async () => {
    for (const nonsense of [undefined, null, 5, {}, new PassThrough({ objectMode: true })]) {
      await assert.rejects(
        startClient("my-app", { secret, transport: () => nonsense as PassThrough }),
        hasCode("ERR_INVALID_ARGUMENT", /a transport must be a Duplex that nobody has used/),
      );
    }
  });

  test("ends the client, if it gives the same one twice", async (t) => {
    const { port } = await serverWithPort(t);
    const [socket] = [port.connect()];
    const client = await clientOf(t, port, { secret, transport: () => socket });
    const failed = nextEvent<[Error]>(client, "error");
    socket.destroy();
    await failed;
    await until(() => client.status === "error");
    assert.match(client.lastError?.message ?? "", /this one has had a connection already/);
  });

  test("may take as long as the client wants to wait", async () => {
    let heard: AbortSignal | undefined;
    const transport: ClientOptions["transport"] = ({ signal }) => {
      heard = signal;
      return new Promise(() => {});
    };
    await assert.rejects(
      startClient("my-app", { secret, transport, connectTimeoutMs: 20 }),
      hasCode("ERR_CONNECT_TIMEOUT"),
    );
    assert.equal(heard?.aborted, true);
    const client = createClient("my-app", { secret, transport });
    await client.close();
    assert.equal(client.status, "closed");
  });

  test("has its duplex destroyed, if that comes too late", async () => {
    let give = (_: PassThrough): void => {};
    const transport = () => new Promise<PassThrough>((resolve) => (give = resolve));
    const client = createClient("my-app", { secret, transport });
    await turns();
    await client.close();
    const late = new PassThrough();
    give(late);
    await until(() => late.destroyed);
  });

  test("is not waited for longer than a handshake, if nothing comes out of it", async () => {
    const duplex = new PassThrough();
    await assert.rejects(
      startClient("my-app", { secret, retry: false, handshakeTimeoutMs: 20, transport: () => duplex }),
      hasCode("ERR_HANDSHAKE_TIMEOUT", /nothing came through the transport within 20 ms/),
    );
    assert.equal(duplex.destroyed, true);
  });
});

describe("server.accept", { timeout }, () => {
  const used = new PassThrough();
  const destroyed = new PassThrough();
  destroyed.destroy();
  const ended = new PassThrough();
  ended.end();
  const read = new PassThrough();
  read.on("data", () => {});
  const text = new PassThrough();
  text.setEncoding("utf8");
  const unusable: Record<string, [unknown, RegExp]> = {
    nothing: [undefined, /undefined has no method "on"/],
    "an object": [{}, /has no method "on"/],
    "one in object mode": [new PassThrough({ objectMode: true }), /object mode/],
    "one that is destroyed": [destroyed, /is destroyed/],
    "one that has ended": [ended, /writable side has ended/],
    "one that somebody reads": [read, /somebody else reads/],
    "one that gives text": [text, /gives text/],
  };
  for (const [which, [duplex, message]] of Object.entries(unusable)) {
    test(`refuses ${which}`, async (t) => {
      const { server } = await serverWithPort(t);
      assert.throws(() => server.accept(duplex as PassThrough), hasCode("ERR_INVALID_ARGUMENT", message));
    });
  }

  test("refuses one that it has had, and any once it is closed", async (t) => {
    const { server } = await serverWithPort(t);
    server.accept(used);
    assert.throws(() => server.accept(used), hasCode("ERR_INVALID_ARGUMENT", /has had a connection already/));
    await server.close();
    const late = new PassThrough();
    assert.throws(() => server.accept(late), hasCode("ERR_CLOSED"));
    assert.equal(late.destroyed, false);
  });

  test("counts what it accepts for maxConnections", async (t) => {
    const { server, port } = await serverWithPort(t, { secret, maxConnections: 1 });
    await clientOf(t, port);
    const refused = nextEvent<[Error]>(server, "error");
    const duplex = new PassThrough();
    server.accept(duplex);
    hasCode("ERR_TOO_MANY_CONNECTIONS")((await refused)[0]);
    assert.equal(duplex.destroyed, true);
    assert.equal(server.stats().refusedConnections, 1);
  });
});

test("a failure to connect is the system's", async () => {
  await assert.rejects(
    startClient("my-app", { secret, retry: false, transport: () => Promise.reject(new Error("x")) }),
    SystemError,
  );
  assert.throws(
    () => createClient("my-app", { secret, transport: () => new PassThrough(), trust: "any" }),
    CallerError,
  );
});
