import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Client, Stream } from "sealpipe";
import { pattern } from "./bytes.ts";
import { clientAt } from "./endpoints.ts";
import { until } from "./waiting.ts";

/** How many messages are on their way at a time, so that their order can go wrong. */
const window = 4;

export interface HealthyOptions {
  readonly encryption: boolean;
  /** What its messages are: items of a stream of type 1 if this is on. */
  readonly overStream?: boolean;
}

/**
 * A good client of a server that writes back what it gets. It goes on until it is stopped, checks the contents and
 * the order of everything that comes back, and reports any error and any change of its status as a disturbance.
 */
export class HealthyClient {
  readonly #client: Client;
  readonly #stream: Stream | undefined;
  readonly #disturbances: unknown[] = [];
  #roundTrips = 0;
  #stopping = false;
  readonly #done: Promise<void>;

  private constructor(client: Client, stream: Stream | undefined) {
    this.#client = client;
    this.#stream = stream;
    client.on("error", (error) => this.#disturbances.push(error));
    client.on("status", (status) => {
      if (!this.#stopping) this.#disturbances.push(`it became ${status}`);
    });
    this.#done = this.#run().catch((error: unknown) => {
      this.#disturbances.push(error);
    });
  }

  static async start(
    t: TestContext,
    name: string,
    { encryption, overStream = false }: HealthyOptions,
  ): Promise<HealthyClient> {
    const client = await clientAt(t, name, { encryption });
    return new HealthyClient(client, overStream ? await client.openStream(1, "") : undefined);
  }

  /** Messages that came back so far. */
  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** Waits until that many more have come back. Fails if it was disturbed at any time. */
  async goOn(roundTrips: number): Promise<void> {
    const wanted = this.#roundTrips + roundTrips;
    await until(() => this.#roundTrips >= wanted || this.#disturbances.length > 0);
    assert.deepEqual(this.#disturbances, []);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    assert.deepEqual(this.#disturbances, []);
    await this.#client.close();
  }

  async #run(): Promise<void> {
    for (let sent = 0; !this.#stopping; ) {
      for (; sent < this.#roundTrips + window; sent++) await this.#send(sent);
      await this.#receive();
    }
  }

  #send(number: number): Promise<void> | undefined {
    const content = contentOf(number);
    return this.#stream === undefined ? this.#client.write(number + 1, content) : this.#stream.write(content);
  }

  async #receive(): Promise<void> {
    if (this.#stream === undefined) {
      const { type, data } = await this.#client.read();
      assert.equal(type, this.#roundTrips + 1, "in order");
      assert.deepEqual(data, contentOf(this.#roundTrips));
    } else {
      assert.deepEqual((await this.#stream.read())?.data, contentOf(this.#roundTrips));
    }
    this.#roundTrips += 1;
  }
}

/** Of many sizes, with an empty one among them. */
function contentOf(count: number): Uint8Array {
  return pattern((count * 37) % 900, count);
}
