import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Engine } from "#dist/protocol/engine.js";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import { defaultEngineLimits } from "#dist/protocol/limits.js";
import type { NativeOptions } from "#dist/protocol/native/options.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import type { StreamEvent } from "#dist/protocol/session.js";
import { concat, toHex } from "./bytes.ts";
import { nativeDefaults } from "./engine-probe.ts";
import { FakeClock } from "./fake-clock.ts";
import { fixedCrypto } from "./fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "./hand-made-peer.ts";

export type Role = "client" | "server";

export interface Content {
  readonly type: number;
  readonly data: Uint8Array;
}

interface Waiting<T> {
  readonly what: T;
  readonly position: number;
}

/** The data, or what tells it from other data where it is long. */
export function digest(data: Uint8Array): string {
  if (data.length <= 64) return toHex(data);
  return `${data.length} bytes, ${createHash("sha256").update(data).digest("hex")}`;
}

/** One end's application, through all of its connections: what it has sent, received, and has yet to consume. */
export class ResumableEnd {
  readonly role: Role;
  engine: Engine | undefined;
  session: NativeSession | undefined;
  /** Why its connections ended, those that were merely lost left out. */
  readonly ends: string[] = [];
  /** How often it opened, and how often that was an earlier session. */
  opened = 0;
  resumed = 0;
  readonly sent: Content[] = [];
  readonly taken: Content[] = [];
  readonly unread: Waiting<Content>[] = [];
  /** What it has asked, by id, and what became of it, in the order in which that came. */
  readonly asked = new Map<number, Content>();
  readonly outcomes: string[] = [];
  /** What the other asks and this has not handled; what it has handled, in order; what was cancelled meanwhile. */
  readonly unhandled: Waiting<Content & { readonly id: number }>[] = [];
  readonly handled: number[] = [];
  readonly cancelled: number[] = [];
  /** What the other did with streams, in order. */
  readonly streamed: StreamEvent[] = [];
  /** Gets each event first. */
  overhear: ((event: EngineEvent) => void) | undefined;

  constructor(role: Role) {
    this.role = role;
  }

  get isOpen(): boolean {
    return this.engine?.state === "open";
  }

  send(type: number, data: Uint8Array): void {
    this.#talk.send(type, data);
    this.sent.push({ type, data: Uint8Array.from(data) });
  }

  ask(type: number, data: Uint8Array): number {
    const id = this.#talk.request(type, data);
    this.asked.set(id, { type, data: Uint8Array.from(data) });
    return id;
  }

  /** Takes the oldest message that waits. */
  read(): boolean {
    const next = this.unread.shift();
    if (next === undefined) return false;
    this.#talk.consumed("messages", next.position);
    this.taken.push(next.what);
    return true;
  }

  /** Answers the oldest request that waits with its own data, or with a failure where its type is even. */
  handle(): boolean {
    const next = this.unhandled.shift();
    if (next === undefined) return false;
    const { id, type, data } = next.what;
    this.#talk.consumed("requests", next.position);
    this.handled.push(id);
    if (type % 2 === 0) this.#talk.fail(id, { code: "EVEN", message: `type ${type}` });
    else this.#talk.answer(id, data);
    return true;
  }

  hear(event: Exclude<EngineEvent, { kind: "resume" }>): void {
    this.overhear?.(event);
    switch (event.kind) {
      case "open":
        this.opened += 1;
        this.session = event.native?.session;
        if (event.native?.resumed) this.resumed += 1;
        return;
      case "message":
        this.unread.push({ what: { type: event.type, data: event.data }, position: event.position });
        return;
      case "request":
        this.unhandled.push({ what: event, position: event.position });
        return;
      case "admin-request":
        this.unhandled.push({ what: { ...event, type: event.operation }, position: event.position });
        return;
      case "answer":
        this.outcomes.push(`${event.id}: ${digest(event.data)}`);
        return;
      case "failure":
        this.outcomes.push(`${event.id}: ${event.code} ${event.message}`);
        return;
      case "cancel":
        this.cancelled.push(event.id);
        return;
      case "closed":
        // One that was not lost may have last words.
        if (event.error?.code === "ERR_CONNECTION_LOST") this.engine = undefined;
        else this.ends.push(event.error?.code ?? "in order");
        return;
      default:
        this.streamed.push(event);
    }
  }

  get #talk(): NativeSession {
    assert.ok(this.session, "it was connected once");
    return this.session;
  }
}

export interface ResumablePairOptions {
  readonly encryption?: boolean;
  readonly native?: Partial<NativeOptions>;
  /** Of the client alone. */
  readonly clientNative?: Partial<NativeOptions>;
  readonly maxMessageBytes?: number;
}

/**
 * A client and a server whose session goes on over one connection after another. The test decides what moves between
 * them, when, and where the connection breaks.
 */
export class ResumablePair {
  readonly clock = new FakeClock();
  readonly client = new ResumableEnd("client");
  readonly server = new ResumableEnd("server");
  /** Bytes that have left, and have not arrived. */
  readonly underWay: Record<Role, Uint8Array> = { client: new Uint8Array(0), server: new Uint8Array(0) };
  /** Bytes that have arrived at each, on this connection. */
  readonly arrived: Record<Role, number> = { client: 0, server: 0 };
  readonly #options: ResumablePairOptions;
  readonly #crypto = {
    client: fixedCrypto({ privateKey: clientPrivateKey }),
    server: fixedCrypto({ privateKey: serverPrivateKey }),
  };
  readonly #known = new Map<string, NativeSession>();

  constructor(options: ResumablePairOptions = {}) {
    this.#options = options;
    this.connect();
  }

  get ends(): readonly [ResumableEnd, ResumableEnd] {
    return [this.client, this.server];
  }

  /** The server knows no session any more, as one that was started again. */
  forget(): void {
    this.#known.clear();
  }

  /** A new connection. The server may still take an old one for alive, until the client has proved who it is. */
  connect(): this {
    this.underWay.client = new Uint8Array(0);
    this.underWay.server = new Uint8Array(0);
    this.arrived.client = 0;
    this.arrived.server = 0;
    this.client.engine = this.#makeEngine("client");
    this.server.engine = this.#makeEngine("server");
    return this;
  }

  /** Lets that many of the bytes arrive that have left or leave now. Returns whether there were any. */
  deliver(to: Role, bytes = Number.POSITIVE_INFINITY): boolean {
    const from = this[to === "client" ? "server" : "client"];
    this.#takeOutput(from, to);
    const chunk = this.underWay[to].slice(0, bytes);
    this.underWay[to] = this.underWay[to].subarray(chunk.length);
    // The engine's from then on, and soon gone.
    const { length } = chunk;
    this.arrived[to] += length;
    if (length > 0) this[to].engine?.receive(chunk);
    this.listen(this[to]);
    return length > 0;
  }

  /** Everything arrives, both ways, until both are quiet. */
  run(): this {
    for (let moved = true; moved; ) {
      const toClient = this.deliver("client");
      moved = this.deliver("server") || toClient;
    }
    return this;
  }

  /** The same, with everything read and handled, and time for what is told late. */
  settle(): this {
    for (let busy = true; busy; ) {
      this.run();
      busy = false;
      for (const end of this.ends) while (end.read() || end.handle()) busy = true;
      this.pass(20);
      busy ||= this.deliver("client") || this.deliver("server");
    }
    return this;
  }

  pass(ms: number): this {
    this.clock.advance(ms);
    for (const end of this.ends) {
      end.engine?.handleTimeout(this.clock.now());
      this.listen(end);
    }
    return this;
  }

  /** What is under way is gone. Who notices has heard all that came before. */
  cut(whoNotices: readonly Role[] = ["client", "server"]): this {
    this.underWay.client = new Uint8Array(0);
    this.underWay.server = new Uint8Array(0);
    for (const role of whoNotices) {
      const end = this[role];
      end.engine?.receiveEnd(new Error("cut"));
      this.listen(end);
    }
    return this;
  }

  listen(end: ResumableEnd): void {
    for (let event = end.engine?.nextEvent(); event !== undefined; event = end.engine?.nextEvent()) {
      if (event.kind === "resume") {
        end.engine?.resume(this.#known.get(toHex(event.sessionId)));
        continue;
      }
      if (event.kind === "open" && end.role === "server") this.#remember(event.native?.session);
      end.hear(event);
    }
  }

  #remember(session: NativeSession | undefined): void {
    if (session?.identity !== undefined) this.#known.set(toHex(session.identity.id), session);
  }

  #takeOutput(from: ResumableEnd, to: Role): void {
    const { engine } = from;
    if (engine === undefined) return;
    const parts: Uint8Array[] = [this.underWay[to]];
    for (let write = engine.takeOutput(); write.length > 0; write = engine.takeOutput())
      parts.push(concat(...write));
    if (parts.length > 1) this.underWay[to] = concat(...parts);
  }

  #makeEngine(role: Role): Engine {
    const { encryption = false, native, clientNative, maxMessageBytes } = this.#options;
    const limits = { ...defaultEngineLimits, ...(maxMessageBytes && { maxMessageBytes }) };
    const going = role === "client" ? { session: this.client.session } : {};
    return new Engine({
      role,
      encryption,
      limits,
      crypto: this.#crypto[role],
      clock: this.clock,
      native: {
        ...nativeDefaults,
        resumable: true,
        ...native,
        ...(role === "client" && clientNative),
        ...going,
      },
    });
  }
}
