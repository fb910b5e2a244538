import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, test } from "node:test";
import { onWriteFailure, readOutThenDestroy } from "#dist/transport/net-write-failure.js";
import { nextEvent, turns } from "../support/waiting.ts";

const failure = new Error("broken pipe");

/** A stream as a socket is one, whose reading and writing are the test's. */
function fakeSocket(write: (callback: (error?: Error) => void) => void = () => {}): Socket {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => write(callback) });
  socket.on("error", () => {});
  return socket as unknown as Socket;
}

describe("a socket whose write failed", () => {
  test("is not dropped for it by the platform, and writes nothing more", async () => {
    let writes = 0;
    const socket = fakeSocket((callback) => {
      writes += 1;
      callback(failure);
    });
    const failures: Error[] = [];
    onWriteFailure(socket, (error) => failures.push(error));
    socket.write("one");
    socket.write("two");
    await turns();
    assert.deepEqual(failures, [failure]);
    assert.equal(writes, 1);
    assert.equal(socket.destroyed, false);
    socket.destroy();
  });

  test("is read to its end, and dropped with the error then", async () => {
    const socket = fakeSocket();
    const read: string[] = [];
    socket.on("data", (chunk: Buffer) => read.push(chunk.toString()));
    const closed = nextEvent(socket, "close");
    const failed = nextEvent<[Error]>(socket, "error");
    readOutThenDestroy(socket, failure);
    socket.push("one");
    await turns(2);
    socket.push("two");
    await turns(2);
    assert.equal(socket.destroyed, false);
    socket.push(null);
    await closed;
    assert.deepEqual(read, ["one", "two"]);
    assert.deepEqual(await failed, [failure]);
  });

  test("is dropped once nothing more comes, if the peer lives on and only takes nothing", async () => {
    const socket = fakeSocket();
    const failed = nextEvent<[Error]>(socket, "error");
    readOutThenDestroy(socket, failure);
    socket.push("one");
    assert.deepEqual(await failed, [failure]);
  });

  test("is dropped after 8 MiB of a peer that takes nothing and sends for ever", async () => {
    const socket = fakeSocket();
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      setImmediate(() => socket.push(Buffer.alloc(1_000_000)));
    });
    readOutThenDestroy(socket, failure);
    socket.push("one");
    await nextEvent(socket, "close");
    assert.equal(bytes, 3 + 9 * 1_000_000);
  });
});
