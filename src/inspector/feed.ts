import type { ServerResponse } from "node:http";
import type { PageLine } from "./event.ts";
import type { Observer } from "./observer.ts";
import type { Samples } from "./samples.ts";

/** How often a page is told what is new. */
const intervalMs = 100;
/** The state of everything costs more. */
const stateEvery = 5;
const maxEvents = 4_000;
const maxBytes = 524_288;

/**
 * Tells one page what happens, for as long as it listens. What it has not read yet stays in the timeline and nowhere else: for a
 * page that is too slow for that, events are lost, and it is told how many.
 */
export class Feed {
  readonly #response: ServerResponse;
  readonly #observer: Observer;
  readonly #samples: Samples;
  readonly #timer: NodeJS.Timeout;
  /** The next event that it is to be told. */
  #seq = 1;
  #samplesTold = 0;
  #turns = 0;
  /** It has not taken what it was told last. */
  #isFull = false;

  constructor(response: ServerResponse, observer: Observer, samples: Samples) {
    this.#response = response;
    this.#observer = observer;
    this.#samples = samples;
    // Nothing that is too old to be there has been missed by a page that is new.
    this.#seq = observer.timeline.firstSeq;
    this.#timer = setInterval(() => this.#turn(), intervalMs).unref();
    response.on("drain", () => {
      this.#isFull = false;
    });
    response.on("close", () => clearInterval(this.#timer));
  }

  begin(hello: PageLine): void {
    this.#write(hello);
    this.#turn();
  }

  #turn(): void {
    if (this.#isFull) return;
    const { timeline, ends, calls, nowMs } = this.#observer;
    const missed = timeline.firstSeq - this.#seq;
    if (missed > 0) {
      this.#seq = timeline.firstSeq;
      this.#write({ line: "dropped", count: missed });
    }
    const events = timeline.from(this.#seq, maxEvents, maxBytes);
    this.#seq += events.length;
    if (events.length > 0) this.#write({ line: "events", events });
    const samples = this.#samples.after(this.#samplesTold);
    this.#samplesTold = this.#samples.taken;
    if (samples.length > 0) this.#write({ line: "samples", samples });
    if (this.#turns % stateEvery === 0)
      this.#write({ line: "state", ms: nowMs, ...ends.states(), calls: calls.states() });
    this.#turns += 1;
  }

  #write(line: PageLine): void {
    this.#isFull = !this.#response.write(`${JSON.stringify(line)}\n`) || this.#isFull;
  }
}
