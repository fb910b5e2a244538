import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Duplex, type DuplexOptions, PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { type Client, type Server, startClient, startServer } from "sealpipe";
import { DuplexTransport } from "#dist/transport/duplex-transport.js";
import { pattern } from "../support/bytes.ts";
import { freshName } from "../support/names.ts";
import { RecordingHandler } from "../support/recording-handler.ts";
import { portOf } from "../support/tcp.ts";
import { turns, until } from "../support/waiting.ts";

const timeout = 60_000;

/** A duplex that does nothing, but for what is given. */
function duplex(options: DuplexOptions = {}): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback(), ...options });
}

function throwing(name: "write" | "pause" | "resume" | "end" | "destroy" | "on"): Duplex {
  const it = duplex();
  const broken = (): never => {
    throw new Error(`${name} is broken`);
  };
  // Only once it is in use: before that it is refused.
  setImmediate(() => Object.defineProperty(it, name, { value: broken }));
  return it;
}

describe("a transport of a duplex", { timeout }, () => {
  test("does not have its bytes changed by who wrote or gave them", async () => {
    const kept: Uint8Array[] = [];
    const it = duplex({
      write(chunk, _encoding, callback) {
        kept.push(chunk);
        callback();
      },
    });
    const transport = new DuplexTransport(it);
    const handler = RecordingHandler.start(transport);
    const written = pattern(100);
    transport.write([written]);
    await handler.until("drained");
    written.fill(0);
    assert.deepEqual(new Uint8Array(kept[0] as Uint8Array), pattern(100));
    const given = Buffer.from(pattern(50));
    it.push(given);
    await handler.receive(50);
    given.fill(0);
    assert.deepEqual(await handler.receive(50), pattern(50));
    transport.destroy();
    await handler.until("closed");
  });

  for (const [which, end] of Object.entries<(it: Duplex) => void>({
    "an error": (it) => it.destroy(new Error("broken")),
    "an error without a close": (it) => it.emit("error", new Error("broken")),
    text: (it) => it.emit("data", "text"),
    "a number": (it) => it.emit("data", 5),
  })) {
    test(`fails by ${which}`, async () => {
      const it = duplex();
      const handler = RecordingHandler.start(new DuplexTransport(it));
      await turns();
      end(it);
      await handler.until("closed");
      assert.match(handler.closedWith?.message ?? "", /broken|instead of bytes/);
      assert.equal(it.destroyed, true);
    });
  }

  test("is over when the duplex closes without a word", async () => {
    const it = duplex();
    const handler = RecordingHandler.start(new DuplexTransport(it));
    it.destroy();
    await handler.until("closed");
    assert.equal(handler.closedWith, undefined);
  });

  test("says nothing after its end, whatever its duplex emits", async () => {
    const it = duplex();
    const transport = new DuplexTransport(it);
    const handler = RecordingHandler.start(transport);
    transport.destroy();
    for (const event of ["data", "end", "close", "error", "finish"]) it.emit(event, Buffer.from("late"));
    await handler.until("closed");
    for (const event of ["data", "end", "close", "error", "finish"]) it.emit(event, Buffer.from("later"));
    await turns();
    assert.deepEqual(handler.told, ["closed"]);
  });

  test("is over soon, if its duplex never closes", async () => {
    const it = duplex({ destroy() {} });
    const transport = new DuplexTransport(it);
    const handler = RecordingHandler.start(transport);
    transport.destroy();
    await handler.until("closed");
  });

  test("is over once both have ended, if its duplex does not destroy itself", async () => {
    const it = duplex({ autoDestroy: false });
    const transport = new DuplexTransport(it);
    const handler = RecordingHandler.start(transport);
    it.push(null);
    transport.end();
    await handler.until("closed");
    assert.deepEqual(handler.told, ["ended", "closed"]);
  });

  test("drains once for each write, though its duplex calls back twice or never", async () => {
    const callbacks: (() => void)[] = [];
    const it = duplex();
    it.write = ((_chunk: unknown, callback: () => void) => {
      callbacks.push(callback);
      return true;
    }) as Duplex["write"];
    const transport = new DuplexTransport(it);
    const handler = RecordingHandler.start(transport);
    transport.write([pattern(10)]);
    transport.write([pattern(20)]);
    callbacks[0]?.();
    callbacks[0]?.();
    callbacks[0]?.();
    assert.deepEqual([transport.pendingBytes, handler.count("drained")], [20, 0]);
    callbacks[1]?.();
    assert.deepEqual([transport.pendingBytes, handler.count("drained")], [0, 1]);
    transport.destroy();
    await handler.until("closed");
  });

  test("loses what is written after a duplex without half-closes has ended, and no more", async () => {
    const it = duplex({ allowHalfOpen: false, autoDestroy: false });
    const transport = new DuplexTransport(it);
    const handler = RecordingHandler.start(transport);
    it.push(null);
    await handler.until("ended");
    assert.equal(transport.write([pattern(5)]), false);
    await handler.until("closed");
    assert.equal(handler.closedWith, undefined);
  });
});

describe("a server that accepts duplexes", { timeout }, () => {
  const secret = randomBytes(32);
  const hostile: Record<string, () => Duplex> = {
    "fails in the handshake": () => {
      const it = duplex();
      setImmediate(() => it.destroy(new Error("broken")));
      return it;
    },
    "throws when it is written to": () => throwing("write"),
    "throws when it is paused": () => throwing("pause"),
    "throws when it is resumed": () => throwing("resume"),
    "throws when it is ended": () => throwing("end"),
    "throws when it is destroyed": () => throwing("destroy"),
    "gives nonsense": () => {
      const it = duplex();
      it.push(Buffer.alloc(100_000, 1));
      return it;
    },
    "gives numbers": () => {
      const it = duplex();
      setImmediate(() => it.emit("data", 7));
      return it;
    },
    "gives its own bytes back": () => new PassThrough(),
    "never calls back": () => duplex({ write() {} }),
    "ends at once": () => {
      const it = duplex();
      it.push(null);
      return it;
    },
    "emits errors for ever": () => {
      const it = duplex({ destroy() {} });
      const timer = setInterval(() => it.emit("error", new Error("again")), 1);
      setTimeout(() => clearInterval(timer), 500);
      return it;
    },
  };

  for (const [how, make] of Object.entries(hostile)) {
    test(`serves others on, and ends, with one that ${how}`, async (t) => {
      const options = { listen: false, secret, handshakeTimeoutMs: 300, closeTimeoutMs: 50 };
      const server: Server = await startServer(freshName(), options);
      server.handle(1, ({ text }) => text);
      const port = await portOf(t, server);
      const client: Client = await startClient(freshName(), { secret, transport: () => port.connect() });
      const refused = server.stats().refusedConnections;
      server.accept(make());
      await until(() => server.stats().refusedConnections > refused);
      assert.equal((await client.request(1, "still there")).text, "still there");
      assert.equal(server.connections.length, 1);
      await client.close();
      await server.close();
      assert.deepEqual([client.status, server.status], ["closed", "closed"]);
    });
  }
});
