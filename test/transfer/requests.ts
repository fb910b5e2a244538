import { randomBytes } from "node:crypto";
import type { Client } from "sealpipe";

/** How long requests took to be answered, in milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const inFlight = 64;
const dataBytes = 64;

/** Keeps 64 small requests in flight until `isDone`, and compares each answer with its request. @throws Error if one differs */
export async function keepAsking(client: Client, isDone: (count: number) => boolean): Promise<Latencies> {
  const times: number[] = [];
  const ask = async (): Promise<void> => {
    const data = randomBytes(dataBytes);
    while (!isDone(times.length)) {
      data.writeUInt32BE(times.length);
      const asked = Uint8Array.from(data);
      const started = performance.now();
      const answer = await client.request(1, data);
      times.push(performance.now() - started);
      if (Buffer.compare(answer.data, asked) !== 0)
        throw new Error("a request was answered with something else");
    }
  };
  await Promise.all(Array.from({ length: inFlight }, ask));
  times.sort((one, other) => one - other);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { count: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

export function latencyText({ count, p50Ms, p99Ms, maxMs }: Latencies): string {
  const [p50, p99, max] = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2));
  return `${count} requests, ${inFlight} in flight: p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`;
}
