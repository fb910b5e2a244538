import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { DiagnosticsAbout, DiagnosticsEvents, TracedCall } from "../index.ts";
import type { EventDetails, LifeKind, PassedKind, Side } from "./event.ts";

/** What a part of the observer has to say about an end. */
export interface Happened extends EventDetails {
  readonly kind: PassedKind | LifeKind;
  /** Default: this end. */
  readonly from?: Side;
}

/** What each part of the observer hears by, and says. */
export interface Hearing {
  /** Calls `hear` with what that channel publishes of the ends that are shown, until the end. */
  on<C extends keyof DiagnosticsEvents>(channel: C, hear: (event: DiagnosticsEvents[C]) => void): void;
  /** The same of a part of a tracing channel. */
  onCall(channel: string, part: "start" | "error" | "asyncEnd", hear: (call: TracedCall) => void): void;
  /** It happened now. */
  add(about: DiagnosticsAbout, happened: Happened): void;
}

/** Subscribes to the channels of the process; of what happens in the inspector itself, nothing may disturb the program. */
export class Subscriptions {
  readonly #undos: (() => void)[] = [];
  readonly #side: Side | undefined;

  constructor(side: Side | undefined) {
    this.#side = side;
  }

  on(channel: string, hear: (event: never) => void): void {
    const heard = (event: unknown): void => {
      // An event of data is about what the data are of.
      const { of = event } = event as { readonly of?: unknown };
      if (this.#side === undefined || (of as DiagnosticsAbout).side === this.#side) hear(event as never);
    };
    subscribe(channel, heard);
    this.#undos.push(() => unsubscribe(channel, heard));
  }

  stop(): void {
    for (const undo of this.#undos.splice(0)) undo();
  }
}

export function otherThan(side: Side): Side {
  return side === "client" ? "server" : "client";
}
