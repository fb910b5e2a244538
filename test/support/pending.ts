import assert from "node:assert/strict";
import type { Client, Connection, Server } from "sealpipe";
import { isSettled } from "./waiting.ts";

/** More than a system takes of what nobody reads, and than there is room for. */
export const large = new Uint8Array(3_000_000);

export const given = new Error("given by the caller");
export const never = 3_600_000;
/** Whoever is at the other end reads nothing, so what is written and every close wait for as long as they are let. */
/** Short enough to wait for. */
export const soon = 200;
export const plain = { encryption: false, closeTimeoutMs: never } as const;

/** How a promise settles: "resolves", the code of a sealpipe error, or the message of another. */
export type Outcome = string;

/** What the end makes of each operation that is pending when it comes. `close()` always resolves. */
export interface Outcomes {
  readonly "read()": Outcome;
  readonly "for await": Outcome;
  readonly "write() without room": Outcome;
  readonly "flush()": Outcome;
}

export type Pending = Readonly<Partial<Record<keyof Outcomes | "close()", Promise<unknown>>>>;

export function outcomes(reading: Outcome, loop: Outcome, flush: Outcome): Outcomes {
  return { "read()": reading, "for await": loop, "write() without room": "resolves", "flush()": flush };
}

async function outcomeOf(promise: Promise<unknown> | undefined): Promise<Outcome> {
  try {
    await promise;
    return "resolves";
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}

async function loopOver(endpoint: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of endpoint);
}

export function pendingAt(endpoint: Client | Connection): Pending {
  return {
    "read()": endpoint.read(),
    "for await": loopOver(endpoint),
    "write() without room": endpoint.write(1, large) as Promise<void>,
    "flush()": endpoint.flush(),
  };
}

export function pendingAtServer(server: Server): Pending {
  return {
    "read()": server.read(),
    "for await": loopOver(server),
    "write() without room": server.broadcast(1, large) as Promise<void>,
  };
}

export function closingAt(endpoint: Client | Connection): Pending {
  void endpoint.write(1, large);
  return { "close()": endpoint.close() };
}

/** All operations are pending, then comes the end, then each has settled as it should. */
export async function settle(
  pending: Pending,
  end: (() => unknown) | undefined,
  expected: Outcomes,
): Promise<void> {
  const settling = Object.entries(pending).map(async ([operation, promise]) => [
    operation,
    await outcomeOf(promise),
  ]);
  // Where time alone is the end, or bounds a close, a slow machine may be there already.
  const early =
    end === undefined || "close()" in pending
      ? [false]
      : await Promise.all(Object.values(pending).map(isSettled));
  assert.deepEqual(new Set(early), new Set([false]), "each waits");
  await end?.();
  const settled = Object.fromEntries(await Promise.all(settling));
  const wanted = { ...expected, "close()": "resolves" };
  const operations = Object.keys(pending) as (keyof typeof wanted)[];
  assert.deepEqual(
    settled,
    Object.fromEntries(operations.map((operation) => [operation, wanted[operation]])),
  );
}

/** After an end in order. */
export const inOrder = outcomes("ERR_CLOSED", "resolves", "ERR_CLOSED");
export const withGiven = outcomes(given.message, given.message, given.message);
