import { randomInt } from "node:crypto";
import type { Client, Connection, Message, MessageData, Stream } from "sealpipe";

/** Messages and requests that carry numbers have types of their own. */
export const messageType = 1;
export const requestType = 2;
export const streamType = 3;

/** What one end has sent and got. */
export interface Tally {
  sent: number;
  received: number;
  asked: number;
  answered: number;
  handled: number;
  /** Items that came back, in streams of its own. */
  echoed: number;
}

type End = Pick<Client | Connection, "write" | "request" | "flush">;
type StreamingEnd = Pick<Client | Connection, "openStream">;

/** Requests of one end that have no answer yet. */
const inFlight = 16;
/** Streams of one end that are open. */
const streamsInFlight = 4;
/** Beyond what fits into one frame. */
const largeBytes = 150_000;

/**
 * One end of a conversation that talks without pause: messages with numbers in order, and requests whose answers are
 * known. Everything that is lost, comes twice, or in another order, is a failure.
 */
export class NumberedTraffic {
  readonly tally: Tally = { sent: 0, received: 0, asked: 0, answered: 0, handled: 0, echoed: 0 };
  readonly failures: string[] = [];
  readonly #name: string;
  readonly #handled = new Set<number>();
  #stopped = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** For the end's `message` event. */
  readonly message = ({ data }: Message): void => {
    const number = numberIn(data);
    this.#expect(
      number === this.tally.received,
      `got message ${number} where ${this.tally.received} was next`,
    );
    this.#expect(isFilled(data, number), `got message ${number} with other bytes`);
    this.tally.received = number + 1;
  };

  /** For the end's requests. */
  readonly handle = ({ data }: Message): MessageData => {
    const number = numberIn(data);
    this.#expect(!this.#handled.has(number), `was asked ${number} twice`);
    this.#expect(isFilled(data, number), `was asked ${number} with other bytes`);
    this.#handled.add(number);
    this.tally.handled += 1;
    return filled(number + 1);
  };

  /** For the end's streams: what comes goes back. */
  readonly echo = async (stream: Stream): Promise<void> => {
    for await (const { data } of stream) await stream.write(data);
  };

  /** Opens one stream after another until it is stopped, and settles once all items are back and all streams have ended. */
  async stream(end: StreamingEnd): Promise<void> {
    await Promise.all(Array.from({ length: streamsInFlight }, () => this.#streams(end)));
  }

  /** Talks until it is stopped, and settles once everything has arrived. */
  async talk(end: End): Promise<void> {
    await Promise.all([this.#write(end), ...Array.from({ length: inFlight }, () => this.#ask(end))]);
    await end.flush();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #write(end: End): Promise<void> {
    while (!this.#stopped) {
      for (let count = randomInt(1, 50); count > 0; count--) {
        await end.write(messageType, filled(this.tally.sent));
        this.tally.sent += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #ask(end: End): Promise<void> {
    while (!this.#stopped) {
      const number = this.tally.asked;
      this.tally.asked += 1;
      const { data } = await end.request(requestType, filled(number));
      this.#expect(
        numberIn(data) === number + 1 && isFilled(data, number + 1),
        `got a wrong answer to ${number}`,
      );
      this.tally.answered += 1;
    }
  }

  async #streams(end: StreamingEnd): Promise<void> {
    while (!this.#stopped) {
      const stream = await end.openStream(streamType, "");
      const count = randomInt(0, 200);
      const written = writeNumbers(stream, count);
      let next = 0;
      for await (const { data } of stream) {
        const number = numberIn(data);
        this.#expect(number === next && isFilled(data, number), `got item ${number} where ${next} was next`);
        next += 1;
      }
      await written;
      this.#expect(next === count, `got ${next} items of ${count} back`);
      this.tally.echoed += next;
    }
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.failures.push(`${this.#name} ${otherwise}`);
  }
}

async function writeNumbers(stream: Stream, count: number): Promise<void> {
  for (let number = 0; number < count; number++) await stream.write(filled(number));
  stream.end();
}

/** A number, and bytes that follow from it: mostly few, now and then more than one frame holds. */
export function filled(number: number): Uint8Array {
  const length = 4 + (number % 500 === 499 ? largeBytes : (number * 37) % 700);
  const bytes = Buffer.alloc(length, number % 251);
  bytes.writeUInt32BE(number);
  return bytes;
}

function isFilled(data: Uint8Array, number: number): boolean {
  return Buffer.compare(data, filled(number)) === 0;
}

function numberIn(data: Uint8Array): number {
  return Buffer.from(data.buffer, data.byteOffset, data.length).readUInt32BE();
}
