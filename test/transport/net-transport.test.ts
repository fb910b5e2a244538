import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { SystemError } from "sealpipe";
import type { Address } from "#dist/transport/address.js";
import {
  addressInUse,
  connectNet,
  listenFailed,
  listenNet,
  NetTransport,
} from "#dist/transport/net-transport.js";
import type { ListenOptions, Transport } from "#dist/transport/transport.js";
import { never } from "../support/accepting.ts";
import { concat, pattern } from "../support/bytes.ts";
import { freshName } from "../support/names.ts";
import { onWindows, sharesPipeNames } from "../support/platform.ts";
import { addressOf } from "../support/raw-peer.ts";
import { RecordingHandler } from "../support/recording-handler.ts";
import { nextEvent, turns, until } from "../support/waiting.ts";

const noReset = onWindows && "a pipe that is dropped ends like any other";

/** About the most that the system holds for a reader. */
const held = onWindows ? 60_000 : 150_000;

function freshAddress(): Address {
  return { kind: "unix-socket", path: addressOf(freshName()) };
}

function listenOptions(accepted: (transport: Transport) => void = () => {}): ListenOptions {
  return {
    openToAllUsers: false,
    isAlive: async () => true,
    accepted,
    failed: () => {},
  };
}

/** A transport that is connected, and the bare socket at its other end. */
async function connectToBareSocket(): Promise<{ transport: Transport; socket: Socket }> {
  const address = freshAddress();
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(address.path, resolve));
  const arrived = nextEvent<[Socket]>(server, "connection");
  const transport = await connectNet(address, never);
  const [socket] = await arrived;
  socket.on("error", () => {});
  server.close();
  after(() => {
    transport.destroy();
    socket.destroy();
  });
  return { transport, socket };
}

describe("a transport on a socket of node:net", () => {
  test("writes the parts of one write in one system call", async () => {
    const { transport, socket } = await connectToBareSocket();
    RecordingHandler.start(transport);
    transport.write([pattern(4, 1), pattern(100, 2), pattern(16, 3)]);
    const [chunk] = await nextEvent<[Buffer]>(socket, "data");
    assert.deepEqual(Uint8Array.from(chunk), concat(pattern(4, 1), pattern(100, 2), pattern(16, 3)));
  });

  for (const count of [1, 3]) {
    test(`reports that all has left when it has, and not before, of writes of ${count} parts`, async () => {
      const { transport, socket } = await connectToBareSocket();
      const handler = RecordingHandler.start(transport);
      const pending: number[] = [];
      handler.drained = () => pending.push(transport.pendingBytes);
      const part = pattern(200_000);
      for (let written = 0; written < 6; written += count) transport.write(Array(count).fill(part));
      assert.ok(transport.pendingBytes >= 800_000);
      await turns();
      assert.deepEqual(pending, []);
      socket.resume();
      await until(() => pending.length > 0);
      await turns();
      assert.ok(pending.every((bytes) => bytes === 0));
    });
  }

  test("says of a write whether it has left, so that its memory can be used again, and not once it is destroyed", async () => {
    const { transport } = await connectToBareSocket();
    RecordingHandler.start(transport);
    // Most systems take a small one at once.
    assert.equal(transport.write([pattern(10)]), transport.pendingBytes === 0);
    assert.equal(transport.write([pattern(2_000_000)]), false);
    assert.equal(transport.write([pattern(10), pattern(10)]), false, "it waits for what was written before");
    transport.destroy();
    assert.equal(transport.write([pattern(10)]), false);
    const { transport: other } = await connectToBareSocket();
    other.destroy();
    assert.equal(other.write([pattern(10)]), false);
  });

  test("is closed with the system's error if the connection breaks", { skip: noReset }, async () => {
    const { transport, socket } = await connectToBareSocket();
    const handler = RecordingHandler.start(transport);
    transport.write([pattern(1_000)]);
    await handler.until("drained");
    // What it has not read makes the system say that the connection was reset.
    socket.destroy();
    await handler.until("closed");
    assert.equal((handler.closedWith as NodeJS.ErrnoException).code, "ECONNRESET");
    assert.deepEqual(handler.told, ["drained", "closed"]);
  });

  test("is closed with an error if it writes to a peer that has gone", async () => {
    const { transport, socket } = await connectToBareSocket();
    const handler = RecordingHandler.start(transport);
    socket.destroy();
    await handler.until("ended");
    transport.write([pattern(10)]);
    await handler.until("closed");
    assert.equal((handler.closedWith as NodeJS.ErrnoException).code, "EPIPE");
    assert.equal(handler.count("drained"), 0);
  });

  /** Writes that a peer has read when it goes, or that it has in part not read, so that the system says "reset". */
  for (const [how, written] of [
    ["has gone", 10],
    ["has gone without reading all", held],
  ] as const) {
    test(`that writes to a peer that ${how} first reads everything it had sent, also while it is paused`, async () => {
      for (const sent of [5_000, held]) {
        for (const paused of [false, true]) {
          const { transport, socket } = await connectToBareSocket();
          const handler = RecordingHandler.start(transport);
          transport.write([pattern(written)]);
          await handler.until("drained");
          transport.pause();
          await new Promise((resolve) => socket.write(pattern(sent), resolve));
          socket.destroy();
          await turns();
          if (!paused) transport.resume();
          transport.write([pattern(10)]);
          transport.write([pattern(10)]);
          // Whoever still has enough to read must not stop it now.
          transport.pause();
          await handler.until("closed");
          assert.ok(
            Buffer.from(handler.received).equals(pattern(sent)),
            `${handler.receivedBytes} of ${sent}`,
          );
          assert.ok(handler.closedWith instanceof Error);
          assert.deepEqual(handler.told, ["drained", "chunk", "closed"]);
        }
      }
    });
  }

  test("that is closed does not keep the process alive when it is paused", async () => {
    const { transport, socket } = await connectToBareSocket();
    const handler = RecordingHandler.start(transport);
    transport.destroy();
    await handler.until("closed");
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    transport.pause();
    assert.equal(timers(), before);
    socket.destroy();
  });

  test("that is reset while it is paused still gives what it had read", { skip: noReset }, async () => {
    const { transport, socket } = await connectToBareSocket();
    const handler = RecordingHandler.start(transport);
    transport.write([pattern(held)]);
    await handler.until("drained");
    transport.pause();
    await new Promise((resolve) => socket.write(pattern(100), resolve));
    await turns();
    socket.destroy();
    await handler.until("closed");
    assert.equal((handler.closedWith as NodeJS.ErrnoException).code, "ECONNRESET");
    assert.deepEqual(handler.received, pattern(100));
    assert.deepEqual(handler.told, ["drained", "chunk", "closed"]);
  });

  test("that broke before it was started reports the error when it is", async () => {
    const { transport, socket } = await connectToBareSocket();
    socket.destroy();
    await turns();
    transport.write([pattern(10)]);
    await turns();
    const handler = RecordingHandler.start(transport);
    await handler.until("closed");
    assert.equal((handler.closedWith as NodeJS.ErrnoException).code, "EPIPE");
    assert.deepEqual(handler.told, ["closed"]);
  });

  test("that is destroyed and started in one turn is closed once", async () => {
    const { transport } = await connectToBareSocket();
    transport.destroy();
    const handler = RecordingHandler.start(transport);
    assert.deepEqual(handler.told, [], "nothing is told within the call");
    await handler.until("closed");
    await turns();
    assert.deepEqual(handler.told, ["closed"]);
  });

  test("keeps an error that nobody has asked for to itself", async () => {
    const { transport, socket } = await connectToBareSocket();
    assert.ok(transport instanceof NetTransport);
    socket.destroy();
    await turns();
    // Without a listener of its own, the failing write would be an uncaught exception.
    transport.write([pattern(10)]);
    await turns();
  });
});

describe("connecting", () => {
  test("leaves no listener at the signal", async () => {
    const address = freshAddress();
    let listeners = 0;
    const { signal } = new AbortController();
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      listeners += 1;
      return Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      listeners -= 1;
      return Reflect.apply(removeEventListener, signal, args);
    };
    await assert.rejects(connectNet(address, signal), { code: "ERR_CONNECT_FAILED" });
    assert.equal(listeners, 0);

    const transports: Transport[] = [];
    const server = await listenNet(
      { path: address.path },
      listenOptions((transport) => transports.push(transport)),
    );
    const transport = await connectNet(address, signal);
    assert.equal(listeners, 0);
    transport.destroy();
    server.close();
    await turns();
    for (const accepted of transports) accepted.destroy();
  });

  test("that is given up lets the connection go", async () => {
    const address = freshAddress();
    const accepted: Transport[] = [];
    const server = await listenNet(
      { path: address.path },
      listenOptions((transport) => accepted.push(transport)),
    );
    const controller = new AbortController();
    const connecting = connectNet(address, controller.signal);
    controller.abort();
    await assert.rejects(connecting, { name: "AbortError" });
    await turns();
    // The system had connected it before anyone could stop it; the server sees it go.
    for (const transport of accepted) {
      const handler = RecordingHandler.start(transport);
      await handler.until("ended");
      transport.destroy();
      await handler.until("closed");
    }
    server.close();
  });

  test("says where and why it failed", async () => {
    const address = freshAddress();
    await assert.rejects(connectNet(address, never), (error) => {
      assert.ok(error instanceof SystemError);
      assert.ok(error.message.startsWith(`cannot connect to ${address.path}: `), error.message);
      return true;
    });
  });

  test("to what is no socket fails with the system's error", async () => {
    const path = join(import.meta.dirname, "net-transport.test.js");
    await assert.rejects(connectNet({ kind: "unix-socket", path }, never), (error) => {
      assert.ok(error instanceof SystemError);
      const { code = "" } = error.cause as NodeJS.ErrnoException;
      const codes = onWindows ? ["EBADF", "ENOTSOCK", "EINVAL"] : ["ECONNREFUSED", "ENOTSOCK"];
      assert.ok(codes.includes(code), code);
      return true;
    });
  });
});

describe("listening", () => {
  test("rejects with the system's own error", { skip: sharesPipeNames }, async () => {
    const { path } = freshAddress();
    const server = await listenNet({ path }, listenOptions());
    await assert.rejects(listenNet({ path }, listenOptions()), { code: "EADDRINUSE" });
    server.close();
  });

  test("reports a listener that fails later", async () => {
    const { path } = freshAddress();
    const failures: Error[] = [];
    const server: Server = await listenNet(
      { path },
      { ...listenOptions(), failed: (error) => failures.push(error) },
    );
    // As Node does where the process has too many files open.
    const failure = new Error("too many open files");
    server.emit("error", failure);
    assert.deepEqual(failures, [failure]);
    server.close();
  });
});

describe("the errors of addresses", () => {
  const address: Address = { kind: "unix-socket", path: "/tmp/a.sock" };

  test("have the system's error as their cause", () => {
    const cause = new Error("no space");
    const failed = listenFailed(address, cause);
    assert.equal(failed.code, "ERR_LISTEN_FAILED");
    assert.equal(failed.cause, cause);
    assert.equal(failed.message, "cannot listen at /tmp/a.sock: no space");
    assert.equal(listenFailed(address, "odd").message, "cannot listen at /tmp/a.sock: odd");

    const inUse = addressInUse(address, "by another", cause);
    assert.equal(inUse.code, "ERR_ADDRESS_IN_USE");
    assert.equal(inUse.cause, cause);
    assert.equal(inUse.message, "the address /tmp/a.sock is in use: by another");
  });

  test("have no cause if there is none", () => {
    assert.equal("cause" in addressInUse(address, "by another"), false);
  });
});
