import { Payload } from "../messages/payload.ts";

/** One unit of a stream. */
export class Item extends Payload {
  readonly #weight: number;

  /** @internal */
  constructor(data: Uint8Array, weight: number) {
    super(data);
    this.#weight = weight;
  }

  /** @internal What it counts for in its stream's window. */
  get weight(): number {
    return this.#weight;
  }
}
