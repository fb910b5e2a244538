import { encodeUint32, readUint32 } from "../integers.ts";
import { encodeFrame, frameKinds, invalidFrame } from "./wire/frame.ts";

/** Max number of pongs that wait to be sent. A peer for which more would wait does not read them. */
const maxWaitingPongs = 64;

/**
 * This end's pings and its answers to the peer's, on one connection. Source: spec/protocol.md, "Keepalive".
 *
 * Times are on the engine's clock.
 */
export class Pings {
  /** Pings and pongs that wait to be sent. */
  readonly #waiting: Uint8Array[] = [];
  #count = 0;
  /** When the last ping was made, until its answer arrives. */
  #pingedAt: number | undefined;

  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  takeFrames(): Uint8Array[] {
    return this.#waiting.splice(0);
  }

  ping(now: number): void {
    this.#count = (this.#count + 1) >>> 0;
    this.#pingedAt = now;
    this.#waiting.push(encodeFrame(frameKinds.ping, encodeUint32(this.#count)));
  }

  /** @throws PeerError `ERR_FRAME_INVALID` */
  receivePing(body: Uint8Array): void {
    checkToken(body);
    if (this.#waiting.length >= maxWaitingPongs) throw invalidFrame("pings whose answers it does not read");
    this.#waiting.push(encodeFrame(frameKinds.pong, encodeUint32(readUint32(body, 0))));
  }

  /**
   * Returns how many milliseconds the peer took to answer the last ping; `undefined` if this answers none, which the keepalive does
   * not mind: to it, it matters only that something has arrived.
   * @throws PeerError `ERR_FRAME_INVALID`
   */
  receivePong(body: Uint8Array, now: number): number | undefined {
    checkToken(body);
    if (this.#pingedAt === undefined || readUint32(body, 0) !== this.#count) return undefined;
    const roundTripMs = now - this.#pingedAt;
    this.#pingedAt = undefined;
    return roundTripMs;
  }
}

function checkToken(body: Uint8Array): void {
  if (body.length < 4) throw invalidFrame("a ping or pong that is too short");
}
