import type { Socket } from "node:net";
import { setImmediate } from "./timers.ts";

/**
 * Calls `failed` in place of what Node does where a write fails: it drops the socket, and with it what the peer had sent
 * and nobody had read yet. The write that failed stays pending, and nothing is written after it.
 *
 * `_write` and `_writev` are what Node documents for streams of one's own; where a platform does not go through them,
 * its sockets are dropped as ever.
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

/** More than a system holds of one connection. A peer that takes nothing and goes on sending gets no further. */
const maxBytes = 8_388_608;

/** A socket that has something to read gives some of it in each turn of the event loop; the first ones start it. */
const idleTurns = 4;

/** Reads what the peer had sent before it was gone, then drops the socket with `error`. */
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
