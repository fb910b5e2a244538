import assert from "node:assert/strict";
import { after, describe, mock, type TestContext, test } from "node:test";
import { Message, type PeerError } from "sealpipe";
import { nodeCrypto } from "#dist/crypto/node.js";
import type { DriverHandler, EngineOpened } from "#dist/endpoint/driver/driver-handler.js";
import { type DriverOptions, EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import { HandshakeTurns } from "#dist/endpoint/driver/handshake-turns.js";
import { ReadQuota } from "#dist/endpoint/reading/read-quota.js";
import type { KeyPair } from "#dist/protocol/crypto-provider.js";
import type { Session } from "#dist/protocol/session.js";
import { concat, pattern } from "../../support/bytes.ts";
import { FakeTransport } from "../../support/fake-transport.ts";
import { clientPublicKey, plainWire } from "../../support/hand-made-peer.ts";
import { createMemoryPair } from "../../support/memory-transport.ts";
import { accepted, confirmation, plainHello } from "../../support/raw-peer.ts";
import { turns, until } from "../../support/waiting.ts";

/** The number of bytes that a driver writes next. */
async function nextWritten(transport: FakeTransport): Promise<number> {
  let { length } = transport.takeWritten();
  await until(() => {
    length ||= transport.takeWritten().length;
    return length > 0;
  });
  return length;
}

/** Keeps what a driver tells, in order, and queues messages as an inbox does. */
class Told implements DriverHandler {
  readonly events: string[] = [];
  readonly unread: Message[] = [];
  error: PeerError | undefined;
  session: Session | undefined;
  readonly quota: ReadQuota;
  /** Called with each message, instead of queueing it. */
  onMessage: ((type: number) => void) | undefined;

  constructor(quota: ReadQuota) {
    this.quota = quota;
  }

  opened({ session }: EngineOpened): void {
    this.session = session;
    this.events.push("opened");
  }

  message(content: { type: number; data: Uint8Array }): void {
    this.events.push(`message ${content.type}`);
    if (this.onMessage !== undefined) {
      this.onMessage(content.type);
      return;
    }
    const message = new Message(content.type, content.data);
    this.unread.push(message);
    this.quota.queued(message);
  }

  request(): void {}

  progressed(): void {}

  closed(error?: PeerError): void {
    this.error = error;
    this.events.push(error === undefined ? "closed" : `closed ${error.code}`);
  }

  released(): void {
    this.events.push("released");
  }

  /** Reads the oldest message. */
  read(): void {
    this.quota.taken(this.unread.shift() as Message);
  }
}

const defaults: Omit<DriverOptions, "quota"> = {
  about: undefined,
  role: "server",
  encryption: false,
  profile: "auto",
  secret: undefined,
  native: undefined,
  turns: undefined,
  batchCipher: true,
  maxMessageBytes: 100_000,
  handshakeTimeoutMs: 60_000,
  frameTimeoutMs: 60_000,
  closeTimeoutMs: 60_000,
};

type SetUpOptions = Partial<DriverOptions> & { readonly maxQueuedBytes?: number };

function setUp({ maxQueuedBytes = 4_000, ...options }: SetUpOptions = {}) {
  const transport = new FakeTransport();
  const quota = new ReadQuota(maxQueuedBytes);
  const told = new Told(quota);
  const driver = new EngineDriver(transport, { ...defaults, quota, ...options }, told);
  // The fake transport never tells of its end, so what the driver waits for is ended here.
  after(() => {
    driver.destroy();
    transport.handler.closed();
  });
  driver.start();
  const send = (type: number, data: Uint8Array): void => {
    told.session?.send(type, data);
    driver.flushSoon();
  };
  return { transport, told, driver, send };
}

/** A server's driver whose engine is open. */
function openServer(options: SetUpOptions = {}) {
  const parts = setUp(options);
  parts.transport.handler.chunk(accepted);
  parts.transport.handler.chunk(confirmation);
  assert.deepEqual(parts.told.events.splice(0), ["opened"]);
  parts.transport.takeWritten();
  return parts;
}

function messages(...types: number[]): Uint8Array {
  return concat(...types.map((type) => plainWire.message(type, pattern(36, type))));
}

describe("a driver in the handshake", () => {
  test("gives each part a write of its own, and reports when the engine is open", () => {
    const { transport, told } = setUp();
    assert.deepEqual(transport.writes, [plainHello]);
    transport.handler.chunk(accepted);
    assert.deepEqual(transport.writes.slice(1), [plainWire.maximumSize(100_000)]);
    assert.deepEqual(told.events, []);
    transport.handler.chunk(confirmation);
    assert.deepEqual(told.events, ["opened"]);
  });

  test("reports what arrives with the last part after it has reported that the engine is open", () => {
    const { transport, told } = setUp();
    transport.handler.chunk(accepted);
    transport.handler.chunk(concat(confirmation, messages(5, 6)));
    assert.deepEqual(told.events, ["opened", "message 5", "message 6"]);
  });

  test("computes nothing for what has arrived until it is its turn, and reads no more until then", async () => {
    const { transport, told } = setUp({ encryption: true, turns: new HandshakeTurns() });
    transport.takeWritten();
    transport.handler.chunk(accepted);
    assert.deepEqual(transport.calls, ["pause"]);
    assert.equal(transport.takeWritten().length, 0);
    await turns(1);
    assert.deepEqual(transport.calls, ["pause", "resume"]);
    assert.equal(transport.takeWritten().length, 97, "its key");
    transport.handler.chunk(clientPublicKey.subarray(0, 96));
    assert.deepEqual(transport.calls, ["pause", "resume"], "it waits for the peer, not for a turn");
    transport.handler.chunk(clientPublicKey.subarray(96));
    assert.deepEqual(transport.calls, ["pause", "resume", "pause"]);
    assert.equal(transport.takeWritten().length, 0);
    await turns(1);
    assert.equal(transport.takeWritten().length, 36, "the maximum size");
    transport.handler.chunk(confirmation);
    assert.deepEqual(told.events, ["opened"], "the last step costs nothing");
  });

  test("computes nothing for a peer that has been dropped while it waited for its turn", async () => {
    const { transport, driver } = setUp({ encryption: true, turns: new HandshakeTurns() });
    transport.takeWritten();
    transport.handler.chunk(accepted);
    driver.destroy();
    await turns(2);
    assert.equal(transport.takeWritten().length, 0);
  });

  test("reports the end of a peer that is gone before its turn", async () => {
    const { transport, told } = setUp({ encryption: true, turns: new HandshakeTurns() });
    transport.handler.chunk(accepted);
    transport.handler.closed();
    assert.deepEqual(told.events, ["closed ERR_CONNECTION_LOST", "released"]);
    await turns(2);
    assert.equal(told.events.length, 2);
  });

  test("takes one costly step in a turn, however much has arrived", async () => {
    const { transport } = setUp({ encryption: true, turns: new HandshakeTurns() });
    transport.takeWritten();
    transport.handler.chunk(concat(accepted, clientPublicKey));
    assert.equal(await nextWritten(transport), 97, "its key");
    assert.equal(await nextWritten(transport), 36, "the maximum size");
  });

  describe("whose key pair can derive elsewhere", () => {
    /** A server that has its key pair, and has been sent the client's key. */
    async function setUpElsewhere(t: TestContext) {
      const asked: { done: (secret: Uint8Array | undefined) => void; secret: Uint8Array }[] = [];
      let derivations = 0;
      const { generateKeyPair } = nodeCrypto;
      const keyPairs = mock.method(nodeCrypto, "generateKeyPair", () => {
        const { publicKey, deriveSharedSecret } = generateKeyPair();
        const derived = (key: Uint8Array) => {
          derivations += 1;
          return deriveSharedSecret(key);
        };
        const deriveElsewhere: KeyPair["deriveElsewhere"] = (key, done) =>
          asked.push({ done, secret: deriveSharedSecret(key) as Uint8Array });
        return { publicKey, deriveSharedSecret: derived, deriveElsewhere };
      });
      t.after(() => keyPairs.mock.restore());
      const waits = new HandshakeTurns();
      const { transport, driver, told } = setUp({ encryption: true, turns: waits });
      transport.takeWritten();
      transport.handler.chunk(accepted);
      assert.equal(await nextWritten(transport), 97, "its key");
      transport.handler.chunk(clientPublicKey);
      await until(() => asked.length === 1);
      return {
        transport,
        driver,
        told,
        waits,
        derivations: () => derivations,
        ...(asked[0] ?? assert.fail()),
      };
    }

    test("goes on with what that came to, and derives nothing itself", async (t) => {
      const { transport, told, done, secret, derivations } = await setUpElsewhere(t);
      await turns(2);
      assert.equal(transport.takeWritten().length, 0);
      done(Uint8Array.from(secret));
      assert.equal(transport.takeWritten().length, 36, "the maximum size");
      transport.handler.chunk(confirmation);
      assert.deepEqual(told.events, ["opened"]);
      assert.equal(derivations(), 0);
    });

    test("derives it itself if that came to nothing", async (t) => {
      const { transport, done, derivations } = await setUpElsewhere(t);
      done(undefined);
      assert.equal(transport.takeWritten().length, 36, "the maximum size");
      assert.equal(derivations(), 1);
    });

    for (const [how, end] of [
      ["dropped", ({ driver }: { driver: EngineDriver }) => driver.destroy()],
      ["gone", ({ transport }: { transport: FakeTransport }) => transport.handler.closed()],
    ] as const) {
      test(`wipes what comes for a peer that is ${how} meanwhile, and lets the others go on`, async (t) => {
        const found = await setUpElsewhere(t);
        const cameBack = mock.method(found.waits, "cameBack");
        end(found);
        const written = found.transport.takeWritten().length;
        found.done(found.secret);
        assert.ok(found.secret.every((byte) => byte === 0));
        assert.equal(found.transport.takeWritten().length, 0, `after ${written}`);
        assert.equal(cameBack.mock.callCount(), 1);
      });
    }
  });

  test("gives up on a peer whose turn does not come within handshakeTimeoutMs, and takes no turn for it", async () => {
    const waits = new HandshakeTurns();
    const { transport, told } = setUp({ encryption: true, turns: waits, handshakeTimeoutMs: 5 });
    const leave = mock.method(waits, "leave");
    mock.method(waits, "wait", () => {});
    transport.handler.chunk(accepted);
    await until(() => told.events.length > 0);
    assert.deepEqual(told.events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
    assert.equal(leave.mock.callCount(), 1);
  });

  test("gives up on a silent peer after handshakeTimeoutMs", async () => {
    const { transport, told } = setUp({ handshakeTimeoutMs: 5 });
    await until(() => told.events.length > 0);
    assert.deepEqual(told.events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
    assert.deepEqual(transport.calls, ["endAndDestroy"]);
  });

  test("says its last words to a peer whose fault it is, and drops it when they have left", () => {
    const { transport, told } = setUp({ role: "client", encryption: true });
    transport.stuck = true;
    transport.handler.chunk(plainHello);
    assert.deepEqual(told.events, ["closed ERR_ENCRYPTION_REQUIRED"]);
    assert.deepEqual(transport.writes, [Uint8Array.of(2)]);
    assert.deepEqual(transport.calls, ["endAndDestroy"]);
    transport.drain();
    assert.deepEqual(transport.calls, ["endAndDestroy"]);
  });
});

describe("a driver that writes", () => {
  test("puts the messages of one turn into one write", async () => {
    const { transport, send } = openServer();
    send(1, pattern(10));
    send(2, pattern(20));
    assert.equal(transport.writes.length, 0);
    await turns(1);
    assert.deepEqual(transport.writes, [
      concat(plainWire.message(1, pattern(10)), plainWire.message(2, pattern(20))),
    ]);
  });

  test("does not wait for the end of the turn once a write is full", () => {
    const { transport, driver, send } = openServer();
    for (let count = 0; count < 4; count++) send(1, pattern(10_000));
    assert.equal(transport.writes.length, 2);
    assert.equal(driver.queuedBytes, 0);
  });

  test("keeps what it has while the transport is busy, and goes on when that has drained", async () => {
    const { transport, driver, send } = openServer();
    transport.stuck = true;
    send(1, pattern(10));
    await turns(1);
    send(2, pattern(10));
    await turns(1);
    assert.equal(transport.writes.length, 1);
    assert.equal(driver.queuedBytes, 2 * 18);
    transport.drain();
    assert.deepEqual(transport.writes[1], plainWire.message(2, pattern(10)));
    assert.equal(driver.queuedBytes, 18);
  });

  test("refuses messages that are too large or of a reserved type, and goes on", async () => {
    const { transport, send } = openServer();
    assert.throws(() => send(1, pattern(100_001)), { code: "ERR_MESSAGE_TOO_LARGE" });
    assert.throws(() => send(0, pattern(1)), { code: "ERR_RESERVED_TYPE" });
    send(3, pattern(1));
    await turns(1);
    assert.deepEqual(transport.takeWritten(), plainWire.message(3, pattern(1)));
  });

  test("reports progress when a write has left", () => {
    const { transport, told } = openServer();
    let progress = 0;
    told.progressed = () => {
      progress += 1;
    };
    transport.drain();
    assert.equal(progress, 1);
  });
});

describe("a driver that reads", () => {
  test("stops when maxQueuedBytes are unread, and goes on when half of them are", () => {
    // Each weighs 36 bytes of data and 256 besides.
    const { transport, told } = openServer({ maxQueuedBytes: 2_920 });
    transport.handler.chunk(messages(1, 2, 3, 4, 5, 6, 7, 8, 9));
    assert.deepEqual(transport.calls, []);
    transport.handler.chunk(messages(10, 11, 12));
    assert.equal(told.unread.length, 10);
    assert.deepEqual(transport.calls, ["pause"]);

    for (let count = 0; count < 4; count++) told.read();
    assert.deepEqual(transport.calls, ["pause"]);
    assert.equal(told.unread.length, 6);
    told.read();
    assert.deepEqual(transport.calls, ["pause", "resume"]);
    assert.deepEqual(
      told.unread.map(({ type }) => type),
      [6, 7, 8, 9, 10, 11, 12],
    );
  });

  test("keeps what still arrives while it has stopped", () => {
    const { transport, told } = openServer({ maxQueuedBytes: 100 });
    transport.handler.chunk(messages(1));
    assert.deepEqual(transport.calls, ["pause"]);
    transport.handler.chunk(messages(2));
    assert.equal(told.unread.length, 1);
    told.read();
    assert.deepEqual(told.events, ["message 1", "message 2"]);
  });

  test("counts 256 bytes for messages without data", () => {
    const { transport, told } = openServer({ maxQueuedBytes: 2_560 });
    for (let count = 0; count < 20; count++) {
      transport.handler.chunk(plainWire.message(1, new Uint8Array(0)));
    }
    assert.equal(told.unread.length, 10);
    assert.deepEqual(transport.calls, ["pause"]);
  });

  test("reports one message at a time, whatever its listener does meanwhile", async () => {
    const { transport, told, send } = openServer();
    told.onMessage = (type) => {
      send(type, pattern(1));
      if (type === 1) transport.handler.chunk(messages(3));
      told.events.push(`done ${type}`);
    };
    transport.handler.chunk(messages(1, 2));
    assert.deepEqual(told.events, ["message 1", "done 1", "message 2", "done 2", "message 3", "done 3"]);
    await turns(1);
    assert.equal(transport.takeWritten().length, 3 * 9);
  });

  test("gives up on a peer that begins a frame and does not complete it", async () => {
    const { transport, told } = openServer({ frameTimeoutMs: 5 });
    transport.handler.chunk(messages(1).subarray(0, 6));
    await until(() => told.events.length > 0);
    assert.deepEqual(told.events, ["closed ERR_FRAME_TIMEOUT"]);
    assert.deepEqual(transport.calls, ["endAndDestroy"]);
  });

  test("sets its timer again if the deadline has moved", async () => {
    const { transport, told } = openServer({ frameTimeoutMs: 20 });
    const frame = messages(1);
    for (let count = 0; count < 5; count++) {
      transport.handler.chunk(frame.subarray(0, 6));
      transport.handler.chunk(frame.subarray(6));
    }
    transport.handler.chunk(frame.subarray(0, 6));
    await until(() => told.events.includes("closed ERR_FRAME_TIMEOUT"));
    assert.equal(told.unread.length, 5);
  });

  test("sets its timer for an earlier deadline that comes later", async () => {
    const { told, driver } = setUp({ handshakeTimeoutMs: 60_000, closeTimeoutMs: 5 });
    driver.close();
    await until(() => told.events.length > 0);
    assert.deepEqual(told.events, ["closed ERR_CLOSE_TIMEOUT"]);
  });
});

describe("the end of a driver", () => {
  test("in order: what was sent leaves, then ours ends, then the peer's", async () => {
    const { transport, told, driver, send } = openServer();
    transport.stuck = true;
    send(1, pattern(40_000));
    send(2, pattern(10));
    driver.close();
    assert.throws(() => send(3, pattern(1)), { code: "ERR_CLOSED" });
    assert.deepEqual(transport.calls, []);
    transport.drain();
    assert.deepEqual(transport.calls, ["end"]);
    assert.deepEqual(
      transport.takeWritten(),
      concat(plainWire.message(1, pattern(40_000)), plainWire.message(2, pattern(10))),
    );
    assert.deepEqual(told.events, []);
    transport.handler.ended();
    assert.deepEqual(told.events, ["closed"]);
    transport.handler.closed();
    assert.deepEqual(told.events, ["closed", "released"]);
    assert.throws(() => send(3, pattern(1)), { code: "ERR_CLOSED" });
  });

  test("in order drops what arrives after the close, however much is unread", () => {
    const { transport, told, driver } = openServer({ maxQueuedBytes: 100 });
    transport.handler.chunk(messages(1, 2));
    driver.close();
    transport.handler.chunk(messages(3));
    transport.handler.ended();
    assert.deepEqual(told.events, ["message 1", "closed"]);
    assert.deepEqual(transport.calls, ["pause", "resume", "end", "destroy"]);
  });

  test("by the peer is reported after the messages that came before it", () => {
    const { transport, told, driver } = openServer();
    transport.handler.chunk(messages(1, 2));
    assert.equal(driver.canSend, true);
    transport.handler.ended();
    assert.deepEqual(told.events, ["message 1", "message 2", "closed"]);
    assert.deepEqual(transport.calls, ["end"]);
    assert.equal(driver.canSend, false, "though the transport is still there");
  });

  test("by a transport that broke is reported after what had arrived, however much is unread", () => {
    const { transport, told } = openServer({ maxQueuedBytes: 100 });
    transport.handler.chunk(messages(1, 2));
    assert.deepEqual(told.events, ["message 1"]);
    const broken = new Error("reset");
    transport.handler.closed(broken);
    assert.deepEqual(told.events, ["message 1", "message 2", "closed ERR_CONNECTION_LOST", "released"]);
    assert.equal(told.error?.cause, broken);
  });

  test("lets a peer that has ended take what was written to it", async () => {
    const { transport, told, send } = openServer();
    transport.stuck = true;
    send(1, pattern(40_000));
    send(2, pattern(10));
    transport.handler.ended();
    assert.deepEqual(told.events, ["closed"]);
    assert.deepEqual(transport.calls, []);
    transport.drain();
    transport.drain();
    assert.deepEqual(transport.calls, ["end"]);
    assert.equal(transport.takeWritten().length, 40_008 + 18);
  });

  test("does not wait for ever for a peer that has ended and stays", async () => {
    const { transport, told } = openServer({ closeTimeoutMs: 5 });
    transport.handler.ended();
    assert.deepEqual(told.events, ["closed"]);
    await until(() => transport.calls.includes("destroy"));
    transport.handler.closed();
    assert.deepEqual(told.events, ["closed", "released"]);
  });

  test("does not wait for a peer that has ended and takes one write after the other, each just in time", async () => {
    const { transport, told, send } = openServer({ closeTimeoutMs: 100 });
    transport.stuck = true;
    for (let sent = 0; sent < 60; sent++) send(1, pattern(32_000));
    transport.handler.ended();
    assert.deepEqual(told.events, ["closed"]);
    // Six are a tenth.
    const taking = setInterval(() => transport.drain(), 40);
    await until(() => transport.calls.length > 0);
    clearInterval(taking);
    assert.deepEqual(transport.calls, ["destroy"]);
    assert.ok(transport.writes.length < 60, "not all of it had left");
  });

  test("asks nothing of a transport that is gone, also when the time for it would be over", async () => {
    const { transport, told } = openServer({ closeTimeoutMs: 1 });
    transport.handler.ended();
    transport.handler.closed();
    assert.deepEqual(told.events, ["closed", "released"]);
    // The timer of another, set later and for longer.
    const other = setUp({ handshakeTimeoutMs: 5 });
    await until(() => other.told.events.length > 0);
    assert.deepEqual(transport.calls, ["end"]);
  });

  test("comes after closeTimeoutMs if the peer takes nothing", async () => {
    const { transport, told, driver, send } = openServer({ closeTimeoutMs: 5 });
    transport.stuck = true;
    send(1, pattern(10));
    driver.close();
    await until(() => transport.calls.includes("destroy"));
    assert.deepEqual(told.events, ["closed ERR_CLOSE_TIMEOUT"]);
  });

  test("comes at once for a peer's fault, and drops the connection", () => {
    const { transport, told } = openServer();
    transport.handler.chunk(Uint8Array.of(0, 0, 0, 1, 9));
    assert.deepEqual(told.events, ["closed ERR_FRAME_TOO_SHORT"]);
    assert.deepEqual(transport.calls, ["endAndDestroy"]);
    transport.handler.chunk(messages(1));
    transport.handler.ended();
    transport.handler.closed();
    assert.deepEqual(told.events, ["closed ERR_FRAME_TOO_SHORT", "released"]);
  });

  test("that is destroyed reports nothing but that the transport is gone, and asks nothing of it", async () => {
    const { transport, told, driver, send } = openServer({ frameTimeoutMs: 1 });
    transport.handler.chunk(messages(1).subarray(0, 6));
    send(1, pattern(10));
    driver.destroy();
    assert.equal(driver.canSend, false);
    assert.throws(() => send(1, pattern(1)), { code: "ERR_CLOSED" });
    transport.handler.chunk(messages(2));
    transport.handler.ended();

    // The timer of another, set later and for longer.
    const other = setUp({ handshakeTimeoutMs: 5 });
    await until(() => other.told.events.length > 0);
    transport.handler.closed();
    assert.deepEqual(told.events, ["released"]);
    assert.deepEqual(transport.calls, ["destroy"]);
    assert.deepEqual(transport.writes, []);
  });

  test("in a listener stops what else has arrived", () => {
    for (const end of ["close", "destroy"] as const) {
      const { transport, told, driver } = openServer();
      told.onMessage = () => driver[end]();
      transport.handler.chunk(messages(1, 2, 3));
      assert.deepEqual(told.events, ["message 1"]);
      assert.deepEqual(transport.calls, [end === "close" ? "end" : "destroy"]);
    }
  });
});

describe("two drivers on a pair of memory transports", { timeout: 20_000 }, () => {
  for (const encryption of [true, false]) {
    test(`exchange messages ${encryption ? "sealed" : "in the clear"} and end in order`, async () => {
      const [atServer, atClient] = createMemoryPair();
      const server = new Told(new ReadQuota(100_000));
      const client = new Told(new ReadQuota(100_000));
      const { quota } = server;
      const serverDriver = new EngineDriver(atServer, { ...defaults, quota, encryption }, server);
      const clientOptions = { ...defaults, quota: client.quota, encryption, role: "client" } as const;
      const clientDriver = new EngineDriver(atClient, clientOptions, client);
      serverDriver.start();
      clientDriver.start();
      await until(() => server.events.includes("opened"));
      server.session?.send(1, pattern(50_000, 1));
      serverDriver.flushSoon();
      client.session?.send(2, pattern(50_000, 2));
      clientDriver.flushSoon();
      await until(() => server.unread.length + client.unread.length === 2);
      assert.deepEqual(Uint8Array.from(client.unread[0]?.data ?? []), pattern(50_000, 1));
      assert.deepEqual(Uint8Array.from(server.unread[0]?.data ?? []), pattern(50_000, 2));
      server.read();
      client.read();
      clientDriver.close();
      await until(() => server.events.includes("released") && client.events.includes("released"));
      assert.deepEqual(client.events, ["opened", "message 1", "closed", "released"]);
      assert.deepEqual(server.events, ["opened", "message 2", "closed", "released"]);
    });
  }
});
