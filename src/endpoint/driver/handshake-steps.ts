import { waitForKeyPair } from "../../crypto/node.ts";
import type { Engine } from "../../protocol/engine.ts";
import type { State } from "../../protocol/states.ts";
import { clock } from "../clock.ts";
import { type About, channels } from "../diagnostics.ts";
import type { HandshakeTurns, TakeTurn } from "./handshake-turns.ts";

export interface HandshakeStepsTarget {
  readonly about: About;
  readonly engine: Engine;
  /** Where costly steps wait for their turn. Without it the engine makes them at once. */
  readonly turns: HandshakeTurns | undefined;
  /** A costly step may be made now. */
  tookTurn(): void;
}

/** The handshake of one engine: publishes its states, and lets each costly step wait for its turn. */
export class HandshakeSteps {
  readonly #target: HandshakeStepsTarget;
  readonly #since = clock.now();
  #published: State;
  /** Of a costly step. `left`: there will be none. */
  #turn: "none" | "awaited" | "left" = "none";

  constructor(target: HandshakeStepsTarget) {
    this.#target = target;
    this.#published = target.engine.state;
  }

  /** Whether a costly step waits for its turn. */
  get awaitsTurn(): boolean {
    return this.#turn === "awaited";
  }

  /** The engine has gone as far as it can. Returns whether the handshake is over. */
  advanced(): boolean {
    const { state } = this.#target.engine;
    if (state !== this.#published && channels.handshake.hasSubscribers)
      channels.handshake.publish({ ...this.#target.about, step: state, ms: clock.now() - this.#since });
    this.#published = state;
    this.#awaitTurn();
    return !this.awaitsTurn && (state === "open" || state === "closed" || state === "closing");
  }

  /** The engine is dropped. */
  leave(): void {
    if (this.awaitsTurn) this.#target.turns?.leave(this.#takeTurn);
    this.#turn = "left";
  }

  /** A step of the handshake that costs this end much more than the peer gets a turn of its own. */
  #awaitTurn(): void {
    const { engine, turns } = this.#target;
    if (turns === undefined || this.#turn !== "none" || !engine.nextStepIsCostly) return;
    this.#turn = "awaited";
    turns.wait(engine.state === "server-awaits-answer" ? "fresh" : "begun", this.#takeTurn);
  }

  readonly #takeTurn: TakeTurn = () => {
    if (this.#goesElsewhere()) return "elsewhere";
    this.#makeStep();
    return "here";
  };

  /** Whether what the step costs is computed on another thread first. */
  #goesElsewhere(): boolean {
    const { engine } = this.#target;
    if (engine.state === "server-awaits-answer") return waitForKeyPair(this.#cameBack);
    const keys = engine.keysToAgreeOn;
    keys?.keyPair.deriveElsewhere?.(keys.peerPublicKey, this.#cameBack);
    return keys?.keyPair.deriveElsewhere !== undefined;
  }

  readonly #cameBack = (sharedSecret?: Uint8Array): void => {
    this.#target.turns?.cameBack();
    // The connection may have ended meanwhile.
    if (this.awaitsTurn) this.#makeStep(sharedSecret);
    else sharedSecret?.fill(0);
  };

  #makeStep(sharedSecret?: Uint8Array): void {
    this.#turn = "none";
    this.#target.engine.allowCostlyStep(sharedSecret);
    this.#target.tookTurn();
  }
}
