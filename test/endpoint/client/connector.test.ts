import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, describe, test } from "node:test";
import { type ClientOptions, PeerError, type PeerInfo, type SealpipeError, SystemError } from "sealpipe";
import { Connector } from "#dist/endpoint/client/connector.js";
import { aboutNobody } from "#dist/endpoint/diagnostics.js";
import type { ConnectionHandler, DriverHandler } from "#dist/endpoint/driver/driver-handler.js";
import { EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import type { Established } from "#dist/endpoint/driver/established.js";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { ReadQuota } from "#dist/endpoint/reading/read-quota.js";
import type { Address } from "#dist/transport/address.js";
import { connectFailed } from "#dist/transport/connect-failure.js";
import type { ListenOptions, Transport, TransportProvider } from "#dist/transport/transport.js";
import { never } from "../../support/accepting.ts";
import { pattern } from "../../support/bytes.ts";
import { plainWire } from "../../support/hand-made-peer.ts";
import { createMemoryPair, createMemoryTransports } from "../../support/memory-transport.ts";
import { accepted, plainHello } from "../../support/raw-peer.ts";
import { RecordingHandler } from "../../support/recording-handler.ts";
import { isSettled, turns, until } from "../../support/waiting.ts";

// Memory transports, unlike sockets, do not keep the process awake, and the timers of sessions never do.
const awake = setInterval(() => {}, 60_000);
after(() => clearInterval(awake));

const address: Address = { kind: "unix-socket", path: "/somewhere" };
const given = new Error("the user has gone");

/** A server without encryption that sends one message to each client as soon as it can. */
function serve(provider: TransportProvider): Promise<{ close(): Promise<void> }> {
  return provider.listen(
    address,
    listenOptions((transport) => startServerDriver(transport)),
  );
}

function listenOptions(take: (transport: Transport) => void): ListenOptions {
  return { openToAllUsers: false, isAlive: async () => true, accepted: take, failed: () => {} };
}

function startServerDriver(transport: Transport): EngineDriver {
  const quota = new ReadQuota(1_000_000);
  const given = parseServerOptions({ encryption: false });
  const options = {
    ...given,
    about: undefined,
    quota,
    native: undefined,
    turns: undefined,
    role: "server",
  } as const;
  const driver = new EngineDriver(transport, options, {
    ...silent,
    opened: ({ session }) => {
      session.send(7, pattern(3));
      driver.flushSoon();
    },
  });
  driver.start();
  return driver;
}

const silent: DriverHandler = {
  opened() {},
  message() {},
  request() {},
  progressed() {},
  closed() {},
  released() {},
};

function setUp(provider: TransportProvider, options: ClientOptions = {}, lastServer?: PeerInfo) {
  const retried: Error[] = [];
  const told: string[] = [];
  const connector = new Connector({
    about: aboutNobody,
    address,
    dialer: provider,
    options: parseClientOptions({ encryption: false, retryDelayMs: 1, ...options }),
    quota: new ReadQuota(1_000_000),
    session: () => undefined,
    lastServer: () => lastServer,
    retrying: ({ error }, isNews) => {
      if (isNews) retried.push(error as Error);
    },
  });
  let established: Established | undefined;
  const takeOver = (taken: Established): Omit<ConnectionHandler, "released"> => {
    established = taken;
    told.push("taken");
    return {
      progressed() {},
      request() {},
      message: ({ type }) => told.push(`message ${type}`),
      closed: (error) => told.push(`closed ${error?.code ?? "in order"}`),
    };
  };
  return {
    connector,
    retried,
    told,
    takeOver,
    get driver() {
      return (established as Established).driver;
    },
    get established() {
      return established;
    },
  };
}

function failure(code: string): SystemError {
  return connectFailed(address, Object.assign(new Error(code), { code }));
}

/** Fails that many tries, each with the next of the errors, then leads to a server. */
function failingFirst(...errors: Error[]): TransportProvider & { tries: number } {
  const transports = createMemoryTransports();
  const provider = {
    tries: 0,
    listen: transports.listen,
    async connect(to: Address, signal: AbortSignal): Promise<Transport> {
      const error = errors[provider.tries];
      provider.tries += 1;
      if (error !== undefined) throw error;
      return transports.connect(to, signal);
    },
  };
  return provider;
}

/** A provider whose connections end at the test. */
function handPlayed() {
  const peers: RecordingHandler[] = [];
  const ends: Transport[] = [];
  const provider: TransportProvider = {
    listen: () => assert.fail("nobody listens here"),
    async connect() {
      const [ours, theirs] = createMemoryPair();
      ends.push(theirs);
      peers.push(RecordingHandler.start(theirs));
      return ours;
    },
  };
  return { provider, peers, ends };
}

describe("connecting to a server", { timeout: 20_000 }, () => {
  test("resolves once the session is open, and its messages go to whoever took it over", async () => {
    const provider = createMemoryTransports();
    await serve(provider);
    const client = setUp(provider);
    await client.connector.establish(client.takeOver, never);
    assert.equal(client.established?.encrypted, false);
    assert.equal(client.established?.profile, "classic");
    await until(() => client.told.length === 2);
    assert.deepEqual(client.told, ["taken", "message 7"]);
    client.driver.close();
    await client.connector.whenReleased;
    assert.deepEqual(client.told, ["taken", "message 7", "closed in order"]);
  });

  test("waits for one that comes later, without a word of the tries", async () => {
    const provider = createMemoryTransports();
    const client = setUp(provider);
    const connecting = client.connector.establish(client.takeOver, never);
    assert.equal(await isSettled(connecting), false);
    await serve(provider);
    await connecting;
    assert.deepEqual(client.retried, []);
    client.connector.destroy();
  });

  test("tries again after what may pass, and reports what is worth reporting", async () => {
    const lost = new PeerError("ERR_CONNECTION_LOST", "lost in the handshake");
    const crowded = failure("EAGAIN");
    const provider = failingFirst(failure("ECONNREFUSED"), lost, crowded, crowded);
    await serve(provider);
    const client = setUp(provider);
    await client.connector.establish(client.takeOver, never);
    assert.equal(provider.tries, 5);
    assert.deepEqual(client.retried, [lost, crowded], "once");
    client.connector.destroy();
  });

  test("gives up at once on what does not pass", async () => {
    for (const error of [failure("EACCES"), new PeerError("ERR_VERSION_MISMATCH", ""), new Error("odd")]) {
      const provider = failingFirst(error);
      const client = setUp(provider);
      await assert.rejects(client.connector.establish(client.takeOver, never), error);
      assert.equal(provider.tries, 1);
      assert.deepEqual(client.retried, []);
    }
  });

  test("reports a peer that ends the handshake, and tries again", async () => {
    const { provider, ends } = handPlayed();
    const client = setUp(provider);
    const controller = new AbortController();
    const connecting = client.connector.establish(client.takeOver, controller.signal);
    await until(() => ends.length === 1);
    ends[0]?.end();
    await until(() => ends.length === 2);
    assert.equal((client.retried[0] as PeerError).code, "ERR_CONNECTION_LOST");
    controller.abort(given);
    await assert.rejects(connecting, given);
    client.connector.destroy();
  });

  test("is given up after connectTimeoutMs, with the last failure as the cause", async () => {
    const client = setUp(createMemoryTransports(), { connectTimeoutMs: 250 });
    await assert.rejects(client.connector.establish(client.takeOver, never), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.code, "ERR_CONNECT_TIMEOUT");
      assert.match(
        error.message,
        /^no server was reached at \/somewhere within 250 ms; the last try: cannot/,
      );
      assert.equal((error.cause as SystemError).code, "ERR_CONNECT_FAILED");
      return true;
    });
  });

  test("is given up after connectTimeoutMs, and reports a server that did not finish the handshake", async () => {
    const { provider, peers } = handPlayed();
    const client = setUp(provider, { connectTimeoutMs: 5 });
    await assert.rejects(client.connector.establish(client.takeOver, never), (error) => {
      assert.ok(error instanceof SystemError);
      assert.match(
        error.message,
        /within 5 ms; the last try: a server accepted the connection and said nothing within \d+ ms$/,
      );
      assert.equal((error.cause as SealpipeError).code, "ERR_HANDSHAKE_TIMEOUT");
      return true;
    });
    assert.equal(peers.length, 1);
    client.connector.destroy();
    await client.connector.whenReleased;
  });

  /** What the cause of the failure is, where a server behaves in that way. */
  async function causeOf(options: ClientOptions, say = "", before?: PeerInfo): Promise<string> {
    const { provider, ends } = handPlayed();
    const client = setUp(provider, options, before);
    const connecting = client.connector.establish(client.takeOver, never);
    connecting.catch(() => {});
    await until(() => ends.length === 1);
    if (say !== "") ends[0]?.write([new TextEncoder().encode(say)]);
    const error = await connecting.then(
      () => assert.fail("connected"),
      (reason: Error) => reason,
    );
    client.connector.destroy();
    await client.connector.whenReleased;
    return (error.cause as Error).message;
  }

  test("reports what is known of a server that does not finish the handshake, and guesses no more than that", async () => {
    const long = { connectTimeoutMs: 400 };
    assert.match(await causeOf(long), /said nothing within \d+ ms\. It may hang, or be a golang-ipc server/);
    assert.match(await causeOf(long, "\x02"), /did not finish the handshake within \d+ ms$/);
    const self = { pid: 4711, library: "sealpipe/0.1.0", application: "", applicationVersion: "" };
    const before = { ...self, codec: "", contracts: [] };
    const message = await causeOf(long, "", before);
    assert.match(message, /The server before was sealpipe\/0\.1\.0 in the process 4711/);
    assert.doesNotMatch(message, /golang-ipc/);
    const timedOut = { handshakeTimeoutMs: 200, connectTimeoutMs: 250, retryDelayMs: 60_000 };
    assert.match(await causeOf(timedOut, "", before), /within 2\d\d ms\. The server before was/);
  });

  test("is given up after connectTimeoutMs, without a cause if the first try is not over", async () => {
    const provider: TransportProvider = {
      listen: () => assert.fail("nobody listens here"),
      connect: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    };
    const client = setUp(provider, { connectTimeoutMs: 5 });
    await assert.rejects(client.connector.establish(client.takeOver, never), (error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.message, "no server was reached at /somewhere within 5 ms");
      assert.equal("cause" in error, false);
      return true;
    });
    await client.connector.whenReleased;
  });

  test("is not timed any more once the server is reached", async () => {
    const provider = createMemoryTransports();
    await serve(provider);
    const client = setUp(provider, { connectTimeoutMs: 500 });
    await client.connector.establish(client.takeOver, never);
    // The timer of another that was set later.
    const other = setUp(createMemoryTransports(), { connectTimeoutMs: 510 });
    await assert.rejects(other.connector.establish(other.takeOver, never));
    assert.equal(client.driver.canSend, true);
    client.connector.destroy();
  });
});

describe("giving up to connect", { timeout: 20_000 }, () => {
  test("before the first try", async () => {
    const client = setUp(createMemoryTransports());
    const aborted = AbortSignal.abort(given);
    await assert.rejects(client.connector.establish(client.takeOver, aborted), given);
  });

  test("in the pause between two tries", async () => {
    const client = setUp(createMemoryTransports(), { retryDelayMs: 60_000 });
    const controller = new AbortController();
    const connecting = client.connector.establish(client.takeOver, controller.signal);
    await turns();
    controller.abort(given);
    await assert.rejects(connecting, given);
  });

  test("in the pause after a connection was lost", async () => {
    const client = setUp(createMemoryTransports(), { retryDelayMs: 60_000 });
    const controller = new AbortController();
    const connecting = client.connector.reestablish(
      { error: undefined, wasUsed: true },
      client.takeOver,
      controller.signal,
    );
    controller.abort(given);
    await assert.rejects(connecting, given);
  });

  test("in the handshake, which is finished before the connection is closed", async () => {
    const { provider, peers, ends } = handPlayed();
    const client = setUp(provider);
    const controller = new AbortController();
    const connecting = client.connector.establish(client.takeOver, controller.signal);
    await until(() => ends.length === 1);
    const [server] = ends as [Transport];
    const [atServer] = peers as [RecordingHandler];
    server.write([plainHello]);
    assert.deepEqual(await atServer.receive(1), accepted);
    controller.abort(given);
    await assert.rejects(connecting, given);

    let released = false;
    void client.connector.whenReleased.then(() => {
      released = true;
    });
    await turns();
    assert.equal(atServer.told.includes("ended"), false);
    server.write([plainWire.maximumSize(1_000)]);
    await atServer.receive(2);
    await atServer.until("ended");
    assert.equal(released, false);
    server.end();
    await client.connector.whenReleased;
    assert.deepEqual(client.told, [], "nobody takes it over");
  });

  test("in the very moment in which the connection was made", async () => {
    const { provider, ends } = handPlayed();
    const controller = new AbortController();
    const client = setUp({
      ...provider,
      async connect(to, signal) {
        const transport = await provider.connect(to, signal);
        controller.abort(given);
        return transport;
      },
    });
    await assert.rejects(client.connector.establish(client.takeOver, controller.signal), given);
    assert.equal(ends.length, 1);
    client.connector.destroy();
    await client.connector.whenReleased;
  });

  test("leaves no listener at the signal, nor does success", async () => {
    const provider = createMemoryTransports();
    await serve(provider);
    const { signal } = new AbortController();
    const client = setUp(provider);
    await client.connector.establish(client.takeOver, signal);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    client.connector.destroy();
    await client.connector.whenReleased;
  });

  test("abruptly drops a handshake that is under way", async () => {
    const { provider, peers, ends } = handPlayed();
    const client = setUp(provider);
    const controller = new AbortController();
    const connecting = client.connector.establish(client.takeOver, controller.signal);
    await until(() => ends.length === 1);
    controller.abort(given);
    client.connector.destroy();
    await assert.rejects(connecting, given);
    await peers[0]?.until("ended");
    await client.connector.whenReleased;
  });

  test("abruptly does nothing if there was no try", () => {
    setUp(createMemoryTransports()).connector.destroy();
  });
});

describe("connecting again", { timeout: 20_000 }, () => {
  test("comes after a pause, and the pauses begin anew after a success", async () => {
    const provider = failingFirst(failure("ENOENT"), failure("ENOENT"));
    await serve(provider);
    const client = setUp(provider, { retryDelayMs: 1, maxRetryDelayMs: 3_600_000 });
    await client.connector.establish(client.takeOver, never);
    // Were it not so, fifty rounds would double the pause beyond all patience.
    for (let round = 0; round < 50; round++) {
      client.driver.destroy();
      await client.connector.whenReleased;
      await client.connector.reestablish({ error: undefined, wasUsed: true }, client.takeOver, never);
    }
    assert.equal(provider.tries, 53);
    client.driver.destroy();
    await client.connector.whenReleased;
  });

  test("that times out has no failure of an earlier time as its cause", async () => {
    const memory = failingFirst(failure("ENOENT"));
    await serve(memory);
    let hangs = false;
    const provider: TransportProvider = {
      ...memory,
      connect: (to, signal) =>
        hangs
          ? new Promise((_resolve, reject) => {
              signal.addEventListener("abort", () => reject(signal.reason));
            })
          : memory.connect(to, signal),
    };
    const client = setUp(provider, { connectTimeoutMs: 200 });
    await client.connector.establish(client.takeOver, never);
    client.driver.destroy();
    await client.connector.whenReleased;
    hangs = true;
    await assert.rejects(
      client.connector.reestablish({ error: undefined, wasUsed: true }, client.takeOver, never),
      (error) => {
        assert.equal((error as SystemError).code, "ERR_CONNECT_TIMEOUT");
        assert.equal("cause" in (error as SystemError), false);
        return true;
      },
    );
  });

  test("times each time anew", async () => {
    const provider = createMemoryTransports();
    const listener = await serve(provider);
    const client = setUp(provider, { connectTimeoutMs: 250 });
    await client.connector.establish(client.takeOver, never);
    client.driver.destroy();
    await client.connector.whenReleased;
    await listener.close();
    await assert.rejects(
      client.connector.reestablish({ error: undefined, wasUsed: true }, client.takeOver, never),
      {
        code: "ERR_CONNECT_TIMEOUT",
      },
    );
  });
});
