import { EventEmitter, once } from "node:events";
import type { Channel, Listener, Payload, Peer } from "../peers/peer.ts";
import type { Answer, Command } from "./commands.ts";
import { Content } from "./content.ts";
import { Conversation, sendAll } from "./conversation.ts";

/** The number of clients that connect at the same time. */
const connectingAtMost = 32;
const hello = "hello, this is a client that wants to be answered";

type Done<K extends Command["do"]> = Extract<Command, { do: K }>;

/** One of the two processes: executes commands. */
export class Worker {
  readonly #peer: Peer;
  readonly #contents = new Map<number, Content>();
  readonly #opened = new EventEmitter();
  #conversations: Conversation[] = [];
  #listener: Listener | undefined;
  readonly #failed: (error: unknown) => void;

  /** `failed` is called for a wrong message: otherwise the wait for the sink's answer would never end. */
  constructor(peer: Peer, failed: (error: unknown) => void) {
    this.#peer = peer;
    this.#failed = failed;
  }

  async obey(command: Command): Promise<Answer> {
    switch (command.do) {
      case "listen":
        return this.#listen(command.name);
      case "connect":
        return this.#connect(command);
      case "await-clients":
        return this.#awaitClients(command.clients);
      case "echo":
        for (const conversation of this.#conversations) conversation.echo();
        return {};
      case "sink":
        return this.#sink(command);
      case "source":
        return this.#source(command);
      case "round-trips":
        return this.#roundTrips(command);
      case "requests":
        return this.#requests(command);
      case "connects":
        return this.#connects(command);
      case "rss":
        globalThis.gc?.();
        return { rssBytes: process.memoryUsage.rss() };
      case "close":
        for (const { channel } of this.#conversations) await channel.close();
        await this.#listener?.close();
        return {};
    }
  }

  async #listen(name: string): Promise<Answer> {
    this.#listener = await this.#peer.listen(name, (channel) => {
      const conversation = new Conversation(channel);
      conversation.echo();
      this.#conversations.push(conversation);
      this.#opened.emit("opened");
    });
    return {};
  }

  async #connect({ name, clients }: Done<"connect">): Promise<Answer> {
    let left = clients;
    const connector = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        this.#conversations.push(await this.#greet(await this.#peer.connect(name)));
      }
    };
    await Promise.all(Array.from({ length: Math.min(connectingAtMost, clients) }, connector));
    return {};
  }

  async #greet(channel: Channel): Promise<Conversation> {
    const conversation = new Conversation(channel);
    const answered = conversation.next();
    void channel.send(this.#greeting());
    if ((await answered).length !== hello.length) throw new Error("the server answered with something else");
    return conversation;
  }

  #greeting(): Payload {
    return this.#peer.form === "text" ? hello : Buffer.from(hello);
  }

  async #awaitClients(clients: number): Promise<Answer> {
    while (this.#conversations.length < clients) await once(this.#opened, "opened");
    return {};
  }

  #sink({ count, bytes, check }: Done<"sink">): Answer {
    for (const conversation of this.#conversations) {
      conversation.sink(count, this.#content(bytes), check, this.#failed);
    }
    return {};
  }

  async #source({ count, bytes }: Done<"source">): Promise<Answer> {
    const content = this.#content(bytes);
    const [first] = this.#conversations;
    if (first === undefined) throw new Error("there is nobody to send to");
    const started = performance.now();
    if (this.#conversations.length === 1) {
      await first.source(count, content);
    } else {
      const taken = this.#conversations.map((conversation) => conversation.next());
      await sendAll(count, content, (payload) => this.#toAll(payload));
      for (const ack of taken) content.verify(0, await ack, "all");
    }
    return { elapsedMs: performance.now() - started };
  }

  #toAll(payload: Payload): Promise<unknown> | undefined {
    if (this.#listener?.broadcast !== undefined) return this.#listener.broadcast(payload);
    const waits: unknown[] = [];
    for (const { channel } of this.#conversations) {
      const wait = channel.send(payload);
      if (wait !== undefined) waits.push(wait);
    }
    return waits.length === 0 ? undefined : Promise.all(waits);
  }

  async #roundTrips({ count, bytes, check }: Done<"round-trips">): Promise<Answer> {
    const started = performance.now();
    const times = await this.#only.roundTrips(count, this.#content(bytes), check);
    const elapsedMs = performance.now() - started;
    times.sort((one, other) => one - other);
    const at = (share: number): number =>
      times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
    return { elapsedMs, p50: at(0.5), p99: at(0.99) };
  }

  async #requests({ count, bytes, inFlight }: Done<"requests">): Promise<Answer> {
    const content = this.#content(bytes);
    const started = performance.now();
    await this.#only.requests(count, inFlight, content);
    return { elapsedMs: performance.now() - started };
  }

  async #connects({ name, count }: Done<"connects">): Promise<Answer> {
    const started = performance.now();
    for (let done = 0; done < count; done++) {
      const { channel } = await this.#greet(await this.#peer.connect(name));
      // Nobody waits for that: not every peer says when it is over.
      void channel.close();
    }
    return { elapsedMs: performance.now() - started };
  }

  get #only(): Conversation {
    const [only] = this.#conversations;
    if (only === undefined) throw new Error("there is nobody to talk to");
    return only;
  }

  #content(bytes: number): Content {
    let content = this.#contents.get(bytes);
    if (content === undefined) {
      content = new Content(bytes, this.#peer.form);
      this.#contents.set(bytes, content);
    }
    return content;
  }
}
