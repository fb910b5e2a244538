import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import { CallerError } from "../errors.ts";

/** Duplexes that a connection has, or had. */
const used = new WeakSet<object>();

/**
 * Notes that a connection has the duplex.
 *
 * @throws CallerError `ERR_INVALID_ARGUMENT` for what is no duplex, or cannot carry a connection from its first byte on.
 */
export function checkUsable(duplex: Duplex): void {
  const obstacle = obstacleIn(duplex);
  if (obstacle !== undefined) {
    throw new CallerError(
      "ERR_INVALID_ARGUMENT",
      `a transport must be a Duplex that nobody has used: ${obstacle}`,
    );
  }
  used.add(duplex);
}

/** Whether it has failed, or was destroyed, before any connection had it. */
export function isSpent(duplex: Duplex): boolean {
  return Object(duplex).destroyed === true && !used.has(duplex);
}

const methods = ["on", "once", "write", "end", "pause", "resume", "destroy"] as const;

/** By its methods, not its class: it may come from another copy of `node:stream`, or another realm. */
function obstacleIn(duplex: Duplex): string | undefined {
  const is = Object(duplex) as Partial<Duplex>;
  const missing = methods.find((name) => typeof is[name] !== "function");
  if (missing !== undefined) return `${inspect(duplex, { depth: -1 })} has no method "${missing}"`;
  if (used.has(duplex)) return "this one has had a connection already";
  if (is.destroyed) return "this one is destroyed";
  if (is.readableObjectMode || is.writableObjectMode) return "this one is in object mode";
  if (is.readableEncoding)
    return `this one gives text (setEncoding was called with "${is.readableEncoding}")`;
  if (is.readable === false || is.readableEnded) return "this one's readable side has ended";
  if (is.writable === false || is.writableEnded) return "this one's writable side has ended";
  if (is.readableFlowing || duplex.listenerCount("data") > 0) return "somebody else reads this one already";
  return undefined;
}
