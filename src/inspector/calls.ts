import type { CallState } from "./event.ts";
import { Latencies, rounded } from "./latencies.ts";

type Kind = CallState["kind"];

/** Types that are counted one by one; a peer may choose any of four billion. */
const maxTypes = 200;

interface Counted {
  readonly kind: Kind;
  readonly type: number;
  readonly name: string | undefined;
  readonly latencies: Latencies;
  running: number;
  failed: number;
}

/** How many calls of each type there are and were, and how long they took. */
export class Calls {
  readonly #counted = new Map<string, Counted>();
  readonly #nameOf: (kind: Kind, type: number) => string | undefined;
  /** Of the calls that are over since it was cleared. */
  readonly lately = { latencies: new Latencies(), failed: 0 };

  constructor(nameOf: (kind: Kind, type: number) => string | undefined) {
    this.#nameOf = nameOf;
  }

  began(kind: Kind, type: number): void {
    this.#of(kind, type).running += 1;
  }

  ended(kind: Kind, type: number, outcome: { readonly ms: number; readonly failed: boolean }): void {
    const counted = this.#of(kind, type);
    counted.running -= 1;
    counted.latencies.add(outcome.ms);
    this.lately.latencies.add(outcome.ms);
    if (!outcome.failed) return;
    counted.failed += 1;
    this.lately.failed += 1;
  }

  states(): CallState[] {
    return [...this.#counted.values()].map(({ kind, type, name, latencies, running, failed }) => ({
      kind,
      type,
      name,
      running,
      done: latencies.count,
      failed,
      p50Ms: latencies.quantile(0.5),
      p99Ms: latencies.quantile(0.99),
      maxMs: rounded(latencies.maxMs),
      histogram: latencies.histogram(),
    }));
  }

  #of(kind: Kind, type: number): Counted {
    const known = this.#counted.get(`${kind} ${type}`);
    if (known !== undefined) return known;
    if (type !== 0 && this.#counted.size >= maxTypes) return this.#of(kind, 0);
    const name = type === 0 ? undefined : this.#nameOf(kind, type);
    const counted: Counted = { kind, type, name, latencies: new Latencies(), running: 0, failed: 0 };
    this.#counted.set(`${kind} ${type}`, counted);
    return counted;
  }
}
