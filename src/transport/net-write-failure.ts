import type { Socket } from "node:net";
import { setImmediate } from "./timers.ts";

/**
 * Calls `failed` when a write fails. Node alone would drop the socket, and with it everything that the peer had sent
 * and nobody had read yet. The failed write stays pending, and nothing is written after it.
 *
 * Node documents `_write` and `_writev` for implementers of streams; if a platform does not call them, its sockets
 * are dropped as usual.
 */
export function onWriteFailure(socket: Socket, failed: (error: Error) => void): void {
  const { _write, _writev } = socket;
  const guarded =
    (callback: (error?: Error | null) => void) =>
    (error?: Error | null): void => {
      if (error) failed(error);
      else callback();
    };
  socket._write = (chunk, encoding, callback) => {
    _write.call(socket, chunk, encoding, guarded(callback));
  };
  if (_writev === undefined) return;
  socket._writev = (chunks, callback) => {
    _writev.call(socket, chunks, guarded(callback));
  };
}

/** More than a system buffers for one connection. This bounds a peer that reads nothing and goes on sending. */
const maxBytes = 8_388_608;

/** A socket with unread data emits some in each turn of the event loop, after a turn or two to start reading. */
const idleTurns = 4;

/** Reads what the peer had sent before it left, then drops the socket with `error`. */
export function readOutThenDestroy(socket: Socket, error: Error): void {
  let bytes = 0;
  let idle = 0;
  const destroy = (): void => {
    socket.destroy(error);
  };
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    idle = 0;
    if (bytes > maxBytes) destroy();
  });
  socket.once("end", destroy);
  const turn = (): void => {
    idle += 1;
    // Nothing is there and no end is: the peer lives on and only takes nothing.
    if (idle > idleTurns) destroy();
    if (!socket.destroyed) setImmediate(turn);
  };
  setImmediate(turn);
}
