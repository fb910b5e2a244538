import { type Client, SealpipeError, type Stream } from "../index.ts";
import type { Passed, Recorded } from "./recording.ts";

export interface ReplayerOptions {
  connect(signal: AbortSignal): Promise<Client>;
  /** What comes back. */
  passed(event: Passed): Promise<void>;
  readonly signal: AbortSignal;
}

type Reply = Pick<Passed, "kind" | "data" | "code" | "message">;

/** Says again what a recording's clients said, and waits for answers where those had come. */
export class Replayer {
  readonly #options: ReplayerOptions;
  readonly #clients = new Map<number, Client>();
  readonly #replies = new Map<number, Promise<Reply>>();
  readonly #streams = new Map<number, Stream>();
  /** By connection: what is still to come of its streams. */
  readonly #readings = new Map<number, Promise<void>[]>();
  /** Requests whose answers are others than the recorded ones. */
  readonly differences: string[] = [];
  sent = 0;

  constructor(options: ReplayerOptions) {
    this.#options = options;
  }

  async replay(event: Recorded): Promise<void> {
    if (event.from === "server") await this.#compare(event);
    else await this.#say(event);
  }

  /** Waits until all that was opened is over, and closes the connections. */
  async finish(): Promise<void> {
    await Promise.all([...this.#clients.keys()].map((connection) => this.#close(connection)));
  }

  /** Drops what is open. */
  destroy(): void {
    for (const client of this.#clients.values()) client.destroy();
  }

  async #say(event: Recorded): Promise<void> {
    const { connection, kind, id = 0, type = 0, data = new Uint8Array(0) } = event;
    if (kind === "close") return this.#close(connection);
    const client = this.#clients.get(connection) ?? (await this.#open(connection));
    this.sent += kind === "open" ? 0 : 1;
    switch (kind) {
      case "message":
        await client.write(type, data);
        return;
      case "request":
        this.#replies.set(id, this.#request(client, event));
        return;
      case "stream":
        await this.#openStream(client, event);
        return;
      case "item":
        await this.#streams.get(id)?.write(data);
        return;
      case "end":
        this.#streams.get(id)?.end();
        return;
      case "reset":
        this.#streams.get(id)?.reset(event);
        this.#streams.delete(id);
    }
  }

  async #open(connection: number): Promise<Client> {
    const client = await this.#options.connect(this.#options.signal);
    this.#clients.set(connection, client);
    client.on("message", ({ type, data }) => {
      void this.#options.passed({ connection, from: "server", kind: "message", type, data });
    });
    return client;
  }

  /** What it asked last may have been answered as it left. */
  async #close(connection: number): Promise<void> {
    const client = this.#clients.get(connection);
    this.#clients.delete(connection);
    await Promise.all([...this.#replies.values(), ...(this.#readings.get(connection) ?? [])]);
    await client?.close();
  }

  async #request(
    client: Client,
    { connection, id, type = 0, data = new Uint8Array(0) }: Recorded,
  ): Promise<Reply> {
    const reply = await client
      .request(type, data, { signal: this.#options.signal })
      .then((answer): Reply => ({ kind: "answer", data: answer.data }), failureOf);
    await this.#options.passed({ connection, from: "server", id, ...reply });
    return reply;
  }

  async #openStream(
    client: Client,
    { connection, id = 0, type = 0, data = new Uint8Array(0) }: Recorded,
  ): Promise<void> {
    const stream = await client.openStream(type, data, { signal: this.#options.signal });
    this.#streams.set(id, stream);
    const { passed } = this.#options;
    const read = async (): Promise<void> => {
      try {
        for await (const item of stream)
          await passed({ connection, from: "server", kind: "item", id, data: item.data });
        await passed({ connection, from: "server", kind: "end", id });
      } catch (error) {
        await passed({ connection, from: "server", id, ...failureOf(error), kind: "reset" });
      }
    };
    this.#readings.set(connection, [...(this.#readings.get(connection) ?? []), read()]);
  }

  /** Waits for the answer that had come by then. */
  async #compare({ kind, id = 0, data, code }: Recorded): Promise<void> {
    if (kind !== "answer" && kind !== "failure") return;
    const reply = await this.#replies.get(id);
    if (reply === undefined) return;
    const isSame =
      reply.kind === kind && reply.code === code && Buffer.compare(reply.data ?? empty, data ?? empty) === 0;
    if (!isSame)
      this.differences.push(`request #${id}: ${shown(reply)} instead of ${shown({ kind, data, code })}`);
  }
}

const empty = new Uint8Array(0);

function shown({ kind, data, code }: Reply): string {
  return kind === "answer" ? `an answer of ${data?.length ?? 0} bytes` : `the failure ${code}`;
}

function failureOf(error: unknown): Reply {
  if (!(error instanceof SealpipeError)) throw error;
  return { kind: "failure", code: error.code, message: error.message };
}
