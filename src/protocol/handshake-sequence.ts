import type { EngineOptions } from "./engine-options.ts";
import { ClientHandshake } from "./handshake/client.ts";
import type { Handshake, HandshakeStep } from "./handshake/handshake.ts";
import type { BothKeys } from "./handshake/key-agreement.ts";
import { ServerHandshake } from "./handshake/server.ts";
import { NativeHandshake } from "./native/handshake.ts";
import type { NativeOptions, SessionAnswer } from "./native/options.ts";
import type { ReceiveBuffer } from "./receive-buffer.ts";
import type { State } from "./states.ts";

/**
 * The handshake of one connection from its first byte to its last: golang-ipc's and, if both ends speak native, the exchange
 * of native hellos after it.
 */
export class HandshakeSequence {
  readonly #options: EngineOptions;
  #current: Handshake;
  /** How many costly steps may be made. */
  #allowedSteps: number;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { role, encryption, secret, crypto, limits, native } = options;
    const profile = native === undefined ? "classic" : (options.profile ?? "auto");
    const given = { encryption, profile, secret, crypto, maxMessageBytes: limits.maxMessageBytes };
    this.#allowedSteps = options.waitsForTurns ? 0 : Number.POSITIVE_INFINITY;
    this.#current = role === "client" ? new ClientHandshake(given) : new ServerHandshake(given);
  }

  /** What to send before anything has arrived. */
  start(): Uint8Array[] {
    return this.#current.start();
  }

  /** Whether all that the next step needs has arrived, and the step costs much more than it cost the peer. */
  isCostly(state: State, input: ReceiveBuffer): boolean {
    return this.#current.isCostly?.(state, input) === true;
  }

  /** The keys that the next step agrees on, if it does. */
  keysToAgreeOn(state: State, input: ReceiveBuffer): BothKeys | undefined {
    return this.#current.keysToAgreeOn?.(state, input);
  }

  /** Lets one costly step be made, if costly steps have to be allowed, with what its keys come to, if that is known. */
  allowCostlyStep(sharedSecret?: Uint8Array): void {
    this.#allowedSteps = 1;
    if (sharedSecret !== undefined) this.#current.derived?.(sharedSecret);
  }

  /**
   * The next step in `state`, or `undefined` until enough has arrived, or the step is allowed.
   * @throws HandshakeFailure
   */
  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined {
    if (this.isCostly(state, input)) {
      if (this.#allowedSteps === 0) return undefined;
      this.#allowedSteps -= 1;
    }
    const step = this.#current.advance(state, input);
    return step?.native === undefined ? step : this.#exchangeHellos(step, step.native);
  }

  /**
   * The answer to a step that `resumes`: the session, or none if there is none that may go on.
   * @throws HandshakeFailure
   */
  resume(session: SessionAnswer): HandshakeStep | undefined {
    return this.#current.resume?.(session);
  }

  /** Wipes what comes from the key agreement, and was not handed on with a step. */
  wipe(): void {
    this.#current.wipe();
  }

  #exchangeHellos(step: HandshakeStep, agreement: NonNullable<HandshakeStep["native"]>): HandshakeStep {
    const { crypto, clock, limits, native, role } = this.#options;
    const { maxMessageBytes, frameTimeoutMs } = limits;
    // Without these options native was not offered.
    const options = { crypto, clock, native: native as NativeOptions, maxMessageBytes, frameTimeoutMs };
    const hellos = new NativeHandshake(agreement, options);
    this.#current = hellos;
    return role === "client" ? { ...step, output: [...step.output, ...hellos.start()] } : step;
  }
}
