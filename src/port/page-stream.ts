import { Credit } from "./credit.ts";
import { type ErrorFrame, streamWindow, type ToBridge } from "./frames.ts";
import { closedPort, errorOf, PortError } from "./port-error.ts";

/** A page's end of a stream. */
export class PageStream implements AsyncIterable<unknown> {
  readonly #id: number;
  readonly #send: (frame: ToBridge) => void;
  readonly #over: () => void;
  readonly #abort = new AbortController();
  readonly #items: unknown[] = [];
  readonly #credit = new Credit(streamWindow);
  #taken = 0;
  #hasEnded = false;
  #wake = (): void => {};
  #isWriting: boolean;

  /** `over` is called once both directions have ended. */
  constructor(
    id: number,
    { isDuplex, send, over }: { isDuplex: boolean; send: (frame: ToBridge) => void; over: () => void },
  ) {
    this.#id = id;
    this.#send = send;
    this.#over = over;
    this.#isWriting = isDuplex;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async read(): Promise<unknown> {
    while (this.#items.length === 0) {
      this.#abort.signal.throwIfAborted();
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const item = this.#items.shift();
    this.#taken += 1;
    if (this.#taken >= streamWindow / 2 && !this.#hasEnded) {
      this.#send(["credit", this.#id, this.#taken]);
      this.#taken = 0;
    }
    return item;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void> {
    let isLeft = true;
    try {
      for (let item = await this.read(); item !== undefined; item = await this.read()) yield item;
      isLeft = false;
    } finally {
      // The loop over the items ends before they do.
      if (isLeft && !this.#isWriting) this.reset();
    }
  }

  async finished(): Promise<void> {
    while ((await this.read()) !== undefined);
  }

  async write(item: unknown): Promise<void> {
    if (!this.#isWriting) throw new PortError("ERR_CLOSED", "the stream has ended");
    await this.#credit.take(this.#abort.signal);
    this.#send(["item", this.#id, item]);
  }

  end(): void {
    if (!this.#isWriting) return;
    this.#isWriting = false;
    this.#send(["end", this.#id]);
    if (this.#hasEnded) this.#over();
  }

  reset(): void {
    if (this.#abort.signal.aborted || (this.#hasEnded && !this.#isWriting)) return;
    this.#send(["cancel", this.#id]);
    this.#over();
    this.#items.length = 0;
    this.failed({ code: "ERR_STREAM_RESET", message: "the page has reset the stream" });
  }

  item(value: unknown): void {
    this.#items.push(value);
    this.#wake();
  }

  credit(count: number): void {
    this.#credit.add(count);
  }

  ended(): void {
    this.#hasEnded = true;
    this.#wake();
    if (!this.#isWriting) this.#over();
  }

  failed(error: ErrorFrame | undefined): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(error === undefined ? closedPort() : errorOf(error));
    this.#wake();
  }
}
