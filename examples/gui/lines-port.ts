// A message port over lines of JSON, such as a child's standard streams. For contracts whose data JSON can hold.

import { EventEmitter } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { PortLike } from "sealpipe/port";

export function linesPort(input: Readable, output: Writable): PortLike {
  const events = new EventEmitter();
  const lines = createInterface({ input });
  lines.on("line", (line) => events.emit("message", { data: decode(line) }));
  lines.on("close", () => events.emit("close"));
  // The other end has gone, which `close` tells.
  output.on("error", () => {});
  return {
    postMessage: (frame) => output.write(`${encode(frame as unknown[])}\n`),
    close: () => {
      lines.close();
      output.end();
    },
    on: (type: string, listener: (event: unknown) => void) => events.on(type, listener),
  };
}

/** A frame may end with `undefined`, for which JSON has no word: its length tells. */
function encode(frame: unknown[]): string {
  return JSON.stringify([frame.length, ...frame.filter((part) => part !== undefined)]);
}

function decode(line: string): unknown {
  try {
    const [length, ...parts] = JSON.parse(line);
    return length === parts.length + 1 ? [...parts, undefined] : parts;
  } catch {
    return undefined; // which is no frame: it closes the port
  }
}
