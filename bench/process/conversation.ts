import { type Channel, ignore, type Payload } from "../peers/peer.ts";
import type { Check, Content } from "./content.ts";
import { idOf, withId, withoutId } from "./correlation.ts";

/** A sender lets others run after this many bytes, even if the peer has room. */
const breathBytes = 1_048_576;

/** What one process does with one channel, one thing at a time. */
export class Conversation {
  readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** Sends back everything that arrives. */
  echo(): void {
    this.channel.onMessage = (payload) => void this.channel.send(payload);
  }

  /** Checks `count` messages, then sends the first of them back. */
  sink(count: number, content: Content, check: Check, failed: (error: unknown) => void): void {
    let number = 0;
    this.channel.onMessage = (payload) => {
      try {
        content.verify(number, payload, check);
      } catch (error) {
        failed(error);
      }
      number += 1;
      if (number === count) void this.channel.send(content.at(0));
    };
  }

  /** A copy of the next message, whatever it is: the peer may want its memory back. */
  next(): Promise<Payload> {
    return new Promise((resolve) => {
      this.channel.onMessage = (payload) => {
        this.channel.onMessage = ignore;
        resolve(typeof payload === "string" ? payload : Uint8Array.from(payload));
      };
    });
  }

  /** Sends `count` messages and waits until the sink has them all. */
  async source(count: number, content: Content): Promise<void> {
    const taken = this.next();
    await sendAll(count, content, (payload) => this.channel.send(payload));
    content.verify(0, await taken, "all");
  }

  /** One message there and back, then the next. Resolves with each one's time in microseconds. */
  roundTrips(count: number, content: Content, check: Check): Promise<number[]> {
    const times: number[] = [];
    return new Promise((resolve, reject) => {
      let started = performance.now();
      this.channel.onMessage = (payload) => {
        const now = performance.now();
        try {
          content.verify(times.length, payload, check);
        } catch (error) {
          reject(error);
          return;
        }
        times.push((now - started) * 1_000);
        if (times.length === count) {
          resolve(times);
          return;
        }
        started = performance.now();
        void this.channel.send(content.at(times.length));
      };
      void this.channel.send(content.at(0));
    });
  }

  /** Asks `count` times, `inFlight` at a time. */
  async requests(count: number, inFlight: number, content: Content): Promise<void> {
    const ask = this.channel.request ?? this.#requestByHand();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const number = next;
        next += 1;
        content.verify(number, await ask.call(this.channel, content.at(number)), "ends");
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  }

  #requestByHand(): (payload: Payload) => Promise<Payload> {
    const waiting = new Map<number, (payload: Payload) => void>();
    let lastId = 0;
    this.channel.onMessage = (payload) => {
      const id = idOf(payload);
      const resolve = waiting.get(id);
      if (resolve === undefined) throw new Error(`an answer to no request: ${id}`);
      waiting.delete(id);
      resolve(withoutId(payload));
    };
    return (payload) =>
      new Promise((resolve) => {
        lastId += 1;
        waiting.set(lastId, resolve);
        void this.channel.send(withId(lastId, payload));
      });
  }
}

export async function sendAll(
  count: number,
  content: Content,
  send: (payload: Payload) => Promise<unknown> | undefined,
): Promise<void> {
  let sinceBreath = 0;
  for (let number = 0; number < count; number++) {
    const wait = send(content.at(number));
    if (wait !== undefined) await wait;
    sinceBreath += content.bytes;
    if (sinceBreath < breathBytes) continue;
    sinceBreath = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
