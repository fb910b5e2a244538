import assert from "node:assert/strict";
import { type ErrorCode, errorCodes } from "#dist/errors.js";
import { Engine } from "#dist/protocol/engine.js";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import { defaultEngineLimits, type EngineLimits } from "#dist/protocol/limits.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import type { Session } from "#dist/protocol/session.js";
import type { State } from "#dist/protocol/states.js";
import { concat } from "../support/bytes.ts";
import type { Path } from "../support/engine-states.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fixedCrypto } from "../support/fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "../support/hand-made-peer.ts";

// An engine keeps its buffer to itself. What it holds is told by the buffer's class.
let pushedTo: ReceiveBuffer | undefined;
const push = ReceiveBuffer.prototype.push;
ReceiveBuffer.prototype.push = function (chunk) {
  pushedTo = this;
  push.call(this, chunk);
};

/** The buffer that bytes were pushed to meanwhile, if any were. */
export function bufferPushedTo(act: () => void): ReceiveBuffer | undefined {
  pushedTo = undefined;
  act();
  return pushedTo;
}

export interface DrivenOptions {
  readonly role: "client" | "server";
  readonly encryption: boolean;
  readonly limits?: Partial<EngineLimits>;
  readonly clock?: FakeClock;
}

/** The most bytes that a side has said in total before the engine is open. */
const maxHandshakeBytes = 256;

/**
 * An engine, and after everything that happens to it a look at what must always hold: its events are in order and its
 * errors documented, and it holds no more bytes of the peer's than its limits allow. Cheap enough for millions.
 */
export class DrivenEngine {
  readonly engine: Engine;
  session: Session | undefined;
  readonly clock: FakeClock;
  readonly events: EngineEvent[] = [];
  readonly #written: Uint8Array[] = [];
  readonly #maxHeld: number;
  #buffer: ReceiveBuffer | undefined;
  #writtenBytes = 0;
  #opened = false;
  #closed = false;

  constructor({ role, encryption, limits = {}, clock = new FakeClock() }: DrivenOptions) {
    const engineLimits = { ...defaultEngineLimits, ...limits };
    const privateKey = role === "client" ? clientPrivateKey : serverPrivateKey;
    this.clock = clock;
    this.#maxHeld = 4 + 32 + engineLimits.maxMessageBytes;
    this.engine = new Engine({
      role,
      encryption,
      limits: engineLimits,
      crypto: fixedCrypto({ privateKey }),
      clock,
    });
  }

  /** An engine that has come to the path's state, what was said until then forgotten. */
  static on(
    { role, encrypted, bytes }: Path,
    options: Omit<DrivenOptions, "role" | "encryption"> = {},
  ): DrivenEngine {
    const driven = new DrivenEngine({ ...options, role, encryption: encrypted });
    if (bytes.length > 0) driven.receive(bytes);
    driven.take();
    driven.events.length = 0;
    driven.#written.length = 0;
    return driven;
  }

  get state(): State {
    return this.engine.state;
  }

  /** The code of the end: `""` where that was in order, `undefined` where there is none. */
  get end(): string | undefined {
    const last = this.events.at(-1);
    return last?.kind === "closed" ? (last.error?.code ?? "") : undefined;
  }

  receive(chunk: Uint8Array): void {
    // The engine keeps what it is given; a target may say the same again.
    const pushedTo = bufferPushedTo(() => this.engine.receive(Uint8Array.from(chunk)));
    this.#buffer ??= pushedTo;
    this.listen();
  }

  receiveAll(chunks: readonly Uint8Array[]): this {
    for (const chunk of chunks) this.receive(chunk);
    return this;
  }

  receiveEnd(cause?: Error): this {
    this.engine.receiveEnd(cause);
    return this.listen();
  }

  close(): this {
    this.engine.close();
    return this.listen();
  }

  /** Lets time pass. */
  pass(ms: number): this {
    this.clock.advance(ms);
    this.engine.handleTimeout(this.clock.now());
    return this.listen();
  }

  /** Lets time pass until the engine waits for nothing. */
  passAll(): this {
    for (let round = 0; ; round++) {
      const at = this.engine.nextTimeout();
      if (at === undefined) return this;
      assert.ok(round < 10, "one deadline comes after the other");
      this.pass(at - this.clock.now());
      this.take();
    }
  }

  /** Takes what is to be written now. */
  take(): Uint8Array {
    const queued = this.engine.queuedBytes;
    const parts: Uint8Array[] = [];
    for (let write = this.engine.takeOutput(); write.length > 0; write = this.engine.takeOutput()) {
      parts.push(concat(...write));
    }
    assert.equal(this.engine.queuedBytes, 0);
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : concat(...parts);
    assert.equal(bytes.length, queued, "bytes are queued that nobody is given");
    if (bytes.length === 0) return bytes;
    this.#written.push(bytes);
    this.#writtenBytes += bytes.length;
    if (!this.#opened) assert.ok(this.#writtenBytes <= maxHandshakeBytes, "much is said in the handshake");
    return bytes;
  }

  /** All that was taken. */
  written(): Uint8Array {
    this.take();
    return concat(...this.#written);
  }

  /** Takes the events, and looks. */
  listen(): this {
    for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) {
      this.#check(event);
      if (event.kind === "open") this.session = event.session;
      this.events.push(event);
    }
    assert.equal(this.#closed, this.state === "closed");
    if (this.#closed) assert.equal(this.engine.nextTimeout() === undefined, this.engine.isDone);
    const held = this.#buffer?.length ?? 0;
    assert.ok(held <= this.#maxIn(this.state), `${held} bytes are held in ${this.state}`);
    return this;
  }

  #check(event: EngineEvent): void {
    assert.ok(!this.#closed, "an event comes after the end");
    switch (event.kind) {
      case "open":
        assert.ok(!this.#opened, "it opens twice");
        this.#opened = true;
        return;
      case "message":
        assert.ok(this.#opened, "a message comes before the handshake is over");
        assert.ok(event.data.length + 36 <= this.#maxHeld, "a message is over the limit");
        return;
      case "closed":
        this.#closed = true;
        if (event.error === undefined) return;
        assert.equal(
          errorCodes[event.error.code as ErrorCode],
          "peer",
          `${event.error.code} is no fault of a peer's`,
        );
        assert.equal(event.error.fault, "peer");
        return;
      default:
        assert.fail(`the classic wire has no ${event.kind}`);
    }
  }

  /** What may be held while it waits for more. */
  #maxIn(state: State): number {
    switch (state) {
      case "client-awaits-hello":
        return 1;
      case "client-awaits-server-key":
      case "server-awaits-client-key":
        return 96;
      case "client-awaits-maximum-size":
        return 259;
      case "open":
        return this.#maxHeld - 1;
      default:
        return 0;
    }
  }
}

/** Everything that came out of an engine, as text that two engines can be compared by. */
export function story(driven: DrivenEngine): string {
  return [...driven.events.map(eventText), `written ${latin1(driven.written())}`].join("\n");
}

function eventText(event: EngineEvent): string {
  switch (event.kind) {
    case "open":
      return `open ${event.encrypted}`;
    case "message":
      return messageText(event.type, event.data);
    case "closed":
      return `closed ${event.error?.code ?? ""}`;
    default:
      return event.kind;
  }
}

export function messageText(type: number, data: Uint8Array): string {
  return `message ${type}: ${latin1(data)}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
