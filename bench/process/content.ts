import type { Payload, Peer } from "../peers/peer.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/**
 * This many messages differ, then they repeat: because it is a prime, the loss of a batch of any usual size is seen.
 */
const ringLength = 61;
const largeRingLength = 7;
const largeBytes = 262_144;

/** How much of a message is compared: all of it, or a part that costs next to nothing. */
export type Check = "all" | "ends";

/** Messages of one size, made before any clock runs. The number of a message says what is in it. */
export class Content {
  readonly bytes: number;
  readonly #ring: Payload[];

  constructor(bytes: number, form: Peer["form"]) {
    this.bytes = bytes;
    const length = bytes >= largeBytes ? largeRingLength : ringLength;
    this.#ring = Array.from({ length }, (_, index) => {
      const body = makeBody(index, bytes);
      return form === "text" ? body.toString("latin1") : body;
    });
  }

  at(number: number): Payload {
    return this.#ring[number % this.#ring.length] as Payload;
  }

  /** @throws Error where `payload` is not message `number`. */
  verify(number: number, payload: Payload, check: Check): void {
    const expected = this.at(number);
    const same = check === "all" ? equal(expected, payload) : endsEqual(expected, payload);
    if (!same) throw new Error(`message ${number} of ${this.bytes} bytes arrived with other contents`);
  }
}

function makeBody(index: number, bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at++) {
    body[at] = alphabet.charCodeAt((index * 31 + at * 7 + (at >> 8)) & 63);
  }
  return body;
}

function equal(expected: Payload, payload: Payload): boolean {
  if (typeof expected === "string" || typeof payload === "string") return expected === payload;
  return Buffer.compare(expected, payload) === 0;
}

function endsEqual(expected: Payload, payload: Payload): boolean {
  const last = expected.length - 1;
  if (payload.length !== expected.length) return false;
  if (typeof expected === "string") {
    if (typeof payload !== "string") return false;
    return (
      payload.charCodeAt(0) === expected.charCodeAt(0) &&
      payload.charCodeAt(last) === expected.charCodeAt(last)
    );
  }
  return payload[0] === expected[0] && payload[last] === expected[last];
}
