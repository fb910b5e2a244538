import type { Sample } from "./event.ts";
import type { Observer } from "./observer.ts";

/** Five minutes. */
const maxSamples = 300;

/** What happened in each of the last seconds. */
export class Samples {
  readonly #observer: Observer;
  #samples: Sample[] = [];
  #before = { sent: 0, received: 0, sentBytes: 0, receivedBytes: 0, resumes: 0 };
  #taken = 0;

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** How many there have been. */
  get taken(): number {
    return this.#taken;
  }

  /** Those after the first `taken`, as far as they are kept. */
  after(taken: number): readonly Sample[] {
    const count = Math.min(this.#taken - taken, this.#samples.length);
    return count <= 0 ? [] : this.#samples.slice(-count);
  }

  /** A second is over. */
  take(): void {
    const { messages, resumes, ends, calls, nowMs } = this.#observer;
    const counts = { ...messages.counts, resumes };
    const before = this.#before;
    const { latencies, failed } = calls.lately;
    this.#samples.push({
      ms: nowMs,
      sent: counts.sent - before.sent,
      received: counts.received - before.received,
      sentBytes: counts.sentBytes - before.sentBytes,
      receivedBytes: counts.receivedBytes - before.receivedBytes,
      resumes: counts.resumes - before.resumes,
      calls: latencies.count,
      failed,
      p50Ms: latencies.quantile(0.5),
      p99Ms: latencies.quantile(0.99),
      ...ends.totals(),
    });
    this.#before = counts;
    this.#taken += 1;
    this.#samples = this.#samples.slice(-maxSamples);
    latencies.clear();
    calls.lately.failed = 0;
  }
}
