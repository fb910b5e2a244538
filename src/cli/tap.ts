import {
  type Answer,
  type Client,
  type Connection,
  type ConnectionStream,
  type IncomingRequest,
  type Message,
  PeerError,
  type RequestOptions,
  SealpipeError,
  type Stream,
} from "../index.ts";
import type { Passed, Place, Side } from "./recording.ts";

export interface TapOptions {
  /** A client of the real server, which connects by itself. */
  connect(): Client;
  /** Called with all that passes, before it goes on. What passes waits for it. */
  passed(event: Passed): Promise<void>;
}

/** Carries what clients and a server say to each other, and shows it. It is an honest end to each. */
export class Tap {
  readonly #options: TapOptions;
  #lastId = 0;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** Carries one client's connection until either end of it has gone. Never rejects; resolves with why it failed. */
  async carry(connection: Connection): Promise<Error | undefined> {
    const { connect, passed } = this.#options;
    const client = connect();
    const line = new Line(connection, client, this.#options, () => ++this.#lastId);
    let failure: Error | undefined;
    try {
      await passed({ connection: connection.id, from: "client", kind: "open" });
      await client.connected();
      await line.carry();
    } catch (error) {
      failure = error as Error;
    }
    await Promise.all([client.close(), connection.close()]);
    await passed({ connection: connection.id, from: "client", kind: "close" });
    return failure;
  }
}

/** One client's connection, and the one to the server that belongs to it. */
class Line {
  readonly #connection: Connection;
  readonly #client: Client;
  readonly #passed: TapOptions["passed"];
  readonly #nextId: () => number;

  constructor(connection: Connection, client: Client, { passed }: TapOptions, nextId: () => number) {
    this.#connection = connection;
    this.#client = client;
    this.#passed = passed;
    this.#nextId = nextId;
    connection.handleAny((request) => this.#carryRequest("client", request, client));
    client.handleAny((request) => this.#carryRequest("server", request, connection));
    connection.handleAnyStream((stream: ConnectionStream) => this.#carryStream("client", stream, client));
    client.handleAnyStream((stream) => this.#carryStream("server", stream, connection));
  }

  /** Resolves, or rejects, when either end has gone. */
  async carry(): Promise<void> {
    const messages = [
      this.#carryMessages("client", this.#connection, this.#client),
      this.#carryMessages("server", this.#client, this.#connection),
    ];
    for (const one of messages) one.catch(() => {});
    await Promise.race(messages);
  }

  async #carryMessages(
    from: Side,
    source: AsyncIterable<Message>,
    target: Client | Connection,
  ): Promise<void> {
    for await (const { type, data } of source) {
      await this.#tell(from, { kind: "message", type, data });
      await target.write(type, data);
    }
  }

  async #carryRequest(
    from: Side,
    { type, data, signal, context }: IncomingRequest,
    target: { request(type: number, data: Uint8Array, options: RequestOptions): Promise<Answer> },
  ): Promise<Uint8Array> {
    const id = this.#nextId();
    await this.#tell(from, { kind: "request", id, type, data });
    const back = otherThan(from);
    try {
      const answer = await target.request(type, data, { signal, context });
      await this.#tell(back, { kind: "answer", id, data: answer.data });
      return answer.data;
    } catch (error) {
      await this.#tell(back, { kind: "failure", id, ...failureOf(error) });
      throw error;
    }
  }

  async #carryStream(from: Side, stream: Stream, target: Client | Connection): Promise<void> {
    const { type, data, signal, context } = stream;
    const id = this.#nextId();
    await this.#tell(from, { kind: "stream", id, type, data });
    const other = await target.openStream(type, data, { signal, context });
    const back = otherThan(from);
    await Promise.all([
      this.#carryItems(id, [from, stream], other),
      this.#carryItems(id, [back, other], stream),
    ]);
  }

  async #carryItems(id: number, [from, source]: readonly [Side, Stream], target: Stream): Promise<void> {
    try {
      for await (const { data } of source) {
        await this.#tell(from, { kind: "item", id, data });
        await target.write(data);
      }
      await this.#tell(from, { kind: "end", id });
      target.end();
    } catch (error) {
      // Its reader wants no more: to leave the loop has told the source so.
      if (error instanceof PeerError && error.code === "ERR_STREAM_STOPPED") return;
      await this.#tell(from, { kind: "reset", id, ...failureOf(error) });
      target.reset(error as Error);
      throw error;
    }
  }

  #tell(from: Side, event: Omit<Passed, keyof Place>): Promise<void> {
    return this.#passed({ connection: this.#connection.id, from, ...event });
  }
}

function otherThan(side: Side): Side {
  return side === "client" ? "server" : "client";
}

function failureOf(error: unknown): { readonly code: string; readonly message: string } {
  const { message } = Object(error) as { readonly message?: unknown };
  const code = error instanceof SealpipeError ? error.code : "ERR_HANDLER_FAILED";
  return { code, message: typeof message === "string" ? message : String(error) };
}
