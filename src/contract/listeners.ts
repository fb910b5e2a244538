import { type Side, sends } from "./claims.ts";
import type { ContractInfo } from "./contract.ts";
import type { EventReceiver } from "./events.ts";
import { type Event, invalid } from "./members.ts";
import type { Concerned } from "./tell.ts";
import { isThenable } from "./validation.ts";

type Listener = (value: unknown, context: { readonly connection: unknown }) => unknown;

export interface Listening {
  first(): void;
  begin?(name: string, event: Event): (() => void) | undefined;
}

/** The events of a contract that one end hears, and who listens for them. */
export class Listeners {
  /** For each event, what adds a listener and returns what removes it again. */
  readonly on: Readonly<Record<string, (listener: Listener) => () => void>>;
  readonly #about: ContractInfo;
  readonly #heard: readonly (readonly [string, Event])[];
  readonly #listeners = new Map<string, Set<Listener>>();

  /**
   * `first` is called when somebody listens for the first time: until then messages are not taken. `begin` is called when an event
   * has its first listener, and what it returns when it has none any more.
   */
  constructor(about: ContractInfo, side: Side, { first, begin }: Listening) {
    this.#about = about;
    this.#heard = eventsOf(about, side === "caller" ? "implementer" : "caller");
    let started = false;
    const entries = this.#heard.map(([name, event]) => {
      let end: (() => void) | undefined;
      const listeners = new Set<Listener>();
      this.#listeners.set(name, listeners);
      const add = (listener: Listener): (() => void) => {
        if (typeof listener !== "function") throw invalid(`a listener for "${name}" must be a function`);
        // Its own entry, so that each removes itself alone.
        const own: Listener = (value, context) => listener(value, context);
        listeners.add(own);
        if (!started) first();
        started = true;
        if (listeners.size === 1) end = begin?.(name, event);
        return () => {
          if (!listeners.delete(own) || listeners.size > 0) return;
          end?.();
          end = undefined;
        };
      };
      return [name, add] as const;
    });
    this.on = Object.freeze(Object.fromEntries(entries));
  }

  get events(): readonly Event[] {
    return this.#heard.map(([, event]) => event);
  }

  /** What takes the events that come by one connection. `connection` is what listeners are given. */
  receivers(concerned: Concerned, connection: unknown): EventReceiver[] {
    return this.#heard.map(([name, event]) => ({
      name,
      event,
      codec: this.#about.codec,
      concerned,
      deliver: (value) => this.#deliver(name, value, { connection }),
    }));
  }

  #deliver(name: string, value: unknown, context: { readonly connection: unknown }): void | Promise<void> {
    const results = [...(this.#listeners.get(name) ?? [])].map((listener) => listener(value, context));
    const promises = results.filter(isThenable);
    if (promises.length > 0) return Promise.all(promises).then(() => {});
  }
}

/** What that end of a contract sends: for each event, what sends it. `what` says whose an error is. */
export function emitters(
  about: ContractInfo,
  side: Side,
  send: (event: Event, name: string) => (...args: never[]) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.freeze(
    Object.fromEntries(eventsOf(about, side).map(([name, event]) => [name, send(event, name)])),
  );
}

function eventsOf({ members }: ContractInfo, sender: Side): [string, Event][] {
  return Object.entries(members).filter(
    (entry): entry is [string, Event] => entry[1].kind === "event" && sends(sender, entry[1].direction),
  );
}
