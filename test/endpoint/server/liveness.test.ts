import assert from "node:assert/strict";
import { linkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { SystemError } from "sealpipe";
import { isServerAlive } from "#dist/endpoint/server/liveness.js";
import type { Address } from "#dist/transport/address.js";
import type { TransportProvider } from "#dist/transport/transport.js";
import { unixSockets } from "#dist/transport/unix-socket.js";
import { leaveDeadSocket } from "../../support/dead-socket.ts";
import { plainWire } from "../../support/hand-made-peer.ts";
import { freshDirectory } from "../../support/names.ts";
import { plainHello, RawServer } from "../../support/raw-peer.ts";

const skip = process.platform === "win32" && "only sockets outlive their servers";

function freshAddress(): Address {
  return { kind: "unix-socket", path: join(freshDirectory(), "a.sock") };
}

/** A server whose socket was bound elsewhere, as ours are: the kernel's table does not show it at its address. */
async function listenUnlisted(t: TestContext, address: Address): Promise<RawServer> {
  const boundAt = join(dirname(address.path), "bound");
  const server = await RawServer.listen(boundAt);
  linkSync(boundAt, address.path);
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

function failing(error: unknown): TransportProvider {
  return { ...unixSockets, connect: () => Promise.reject(error) };
}

describe("a server is alive", { skip, timeout: 20_000 }, () => {
  test("that the kernel lists, and it is not touched", { skip: process.platform !== "linux" }, async (t) => {
    const address = freshAddress();
    const server = await RawServer.listen(address.path);
    t.after(() => server[Symbol.asyncDispose]());
    const mustNot: TransportProvider = { ...unixSockets, connect: () => assert.fail("it was touched") };
    assert.equal(await isServerAlive(address, mustNot), true);
  });

  test("that accepts a connection; the handshake is finished before that is closed", async (t) => {
    const address = freshAddress();
    const server = await listenUnlisted(t, address);
    const alive = isServerAlive(address, unixSockets);
    const peer = await server.accept();
    peer.send(plainHello);
    assert.deepEqual(await peer.receive(1), Uint8Array.of(0));
    peer.send(plainWire.maximumSize(1_000));
    assert.deepEqual(await peer.receive(1), Uint8Array.of(0));
    assert.deepEqual(await peer.receiveToEnd(), new Uint8Array(0));
    peer.end();
    assert.equal(await alive, true);
  });

  test("that accepts a connection and says nothing: it is busy", async (t) => {
    const address = freshAddress();
    const server = await listenUnlisted(t, address);
    const alive = isServerAlive(address, unixSockets);
    await server.accept();
    assert.equal(await alive, true);
  });

  test("that accepts a connection and drops it", async (t) => {
    const address = freshAddress();
    const server = await listenUnlisted(t, address);
    const alive = isServerAlive(address, unixSockets);
    (await server.accept()).destroy();
    assert.equal(await alive, true);
  });

  test("that refuses for a while, as a busy one does if Linux lets a client wait", async (t) => {
    const address = freshAddress();
    const server = await listenUnlisted(t, address);
    const busy = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
    const refused = new SystemError("ERR_CONNECT_FAILED", "cannot connect", { cause: busy });
    let asked = 0;
    const busyAtFirst: TransportProvider = {
      ...unixSockets,
      connect: (to, signal) => {
        asked += 1;
        return asked < 5 ? Promise.reject(refused) : unixSockets.connect(to, signal);
      },
    };
    const alive = isServerAlive(address, busyAtFirst, { needed: 10, pauseMs: 1 });
    (await server.accept()).destroy();
    assert.equal(await alive, true);
    assert.equal(asked, 5);
  });

  test("that this user may not connect to, or that does not answer the system", async () => {
    const noAccess = Object.assign(new Error("permission denied"), { code: "EACCES" });
    const refused = new SystemError("ERR_CONNECT_FAILED", "cannot connect", { cause: noAccess });
    const odd = new SystemError("ERR_CONNECT_FAILED", "cannot connect", { cause: "odd" });
    const late = new DOMException("too late", "TimeoutError");
    for (const error of [refused, odd, late, new SystemError("ERR_LISTEN_FAILED", "")]) {
      assert.equal(await isServerAlive(freshAddress(), failing(error)), true);
    }
  });
});

describe("a server is dead", { skip }, () => {
  test("whose socket refuses connections", async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    assert.equal(await isServerAlive(address, unixSockets), false);
  });

  test("whose socket has refused as often as the system has to, and not sooner", async () => {
    const address = freshAddress();
    await leaveDeadSocket(address.path);
    let asked = 0;
    const counting: TransportProvider = {
      ...unixSockets,
      connect: (to, signal) => {
        asked += 1;
        return unixSockets.connect(to, signal);
      },
    };
    assert.equal(await isServerAlive(address, counting, { needed: 10, pauseMs: 1 }), false);
    assert.equal(asked, 10);
  });

  test("whose socket is gone", async () => {
    assert.equal(await isServerAlive(freshAddress(), unixSockets), false);
  });
});
