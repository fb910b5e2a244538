import type { TimelineEvent } from "./event.ts";

/** What an event takes besides its data and its texts, roughly. */
const eventBytes = 256;

/** The last events, of which there are so many and which take so much at the most: older ones give way. */
export class Timeline {
  readonly #max: { readonly events: number; readonly bytes: number };
  /** A ring: the event `seq` is at `seq % max.events`. */
  readonly #ring: (TimelineEvent | undefined)[] = [];
  #firstSeq = 1;
  #nextSeq = 1;
  #bytes = 0;

  constructor(maxEvents: number, maxBytes: number) {
    this.#max = { events: maxEvents, bytes: maxBytes };
  }

  /** The number of the next one. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** The number of the oldest one that is kept; `nextSeq` if there is none. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(event: Omit<TimelineEvent, "seq">): void {
    const added = { seq: this.#nextSeq, ...event };
    this.#nextSeq += 1;
    this.#bytes += sizeOf(added);
    while (this.#nextSeq - this.#firstSeq > this.#max.events) this.#drop();
    this.#ring[added.seq % this.#max.events] = added;
    // The newest one stays in any case.
    while (this.#bytes > this.#max.bytes && this.#firstSeq < added.seq) this.#drop();
  }

  /** Events from `seq` on, in order: up to `maxEvents` of them, and not many more than `maxBytes`, but one at the least. */
  from(
    seq: number,
    maxEvents = Number.POSITIVE_INFINITY,
    maxBytes = Number.POSITIVE_INFINITY,
  ): TimelineEvent[] {
    const events: TimelineEvent[] = [];
    let bytes = 0;
    for (let next = Math.max(seq, this.#firstSeq); next < this.#nextSeq; next++) {
      if (events.length >= maxEvents || bytes >= maxBytes) break;
      const event = this.#ring[next % this.#max.events] as TimelineEvent;
      events.push(event);
      bytes += sizeOf(event);
    }
    return events;
  }

  #drop(): void {
    const at = this.#firstSeq % this.#max.events;
    this.#bytes -= sizeOf(this.#ring[at] as TimelineEvent);
    this.#ring[at] = undefined;
    this.#firstSeq += 1;
  }
}

function sizeOf({ text = "", base64 = "", decoded = "", message = "", detail = "" }: TimelineEvent): number {
  // A character of a string takes two bytes at the most.
  return eventBytes + 2 * (text.length + base64.length + decoded.length + message.length + detail.length);
}
