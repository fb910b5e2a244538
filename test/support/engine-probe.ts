import assert from "node:assert/strict";
import { SealpipeError } from "#dist/errors.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { Engine } from "#dist/protocol/engine.js";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import type { Opened } from "#dist/protocol/handshake/handshake.js";
import type { ProfileChoice } from "#dist/protocol/handshake/options.js";
import { defaultEngineLimits, type EngineLimits } from "#dist/protocol/limits.js";
import type { NativeOptions } from "#dist/protocol/native/options.js";
import type { Session, StreamEvent, TraceContext } from "#dist/protocol/session.js";
import type { State } from "#dist/protocol/states.js";
import { concat, toHex } from "./bytes.ts";
import { type Cutting, whole } from "./cutting.ts";
import { FakeClock } from "./fake-clock.ts";
import { fixedCrypto } from "./fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "./hand-made-peer.ts";

export interface ProbeOptions {
  readonly role: "client" | "server";
  readonly encryption?: boolean;
  readonly profile?: ProfileChoice;
  readonly secret?: Uint8Array;
  readonly limits?: Partial<EngineLimits>;
  readonly crypto?: CryptoProvider;
  readonly clock?: FakeClock;
  /** Without it the engine speaks classic. */
  readonly native?: Partial<NativeOptions>;
  readonly waitsForTurns?: boolean;
}

/** What an engine that speaks native is given where its test says nothing else: no pings. */
export const nativeDefaults: NativeOptions = {
  self: { pid: 1, library: "sealpipe/test", application: "", applicationVersion: "" },
  windows: [65_536, 65_536, 65_536],
  resumable: false,
  keepaliveIntervalMs: Number.POSITIVE_INFINITY,
  keepaliveTimeoutMs: 10_000,
};

/** An engine whose peer is the test, and everything that came out of it. */
export class EngineProbe {
  readonly clock: FakeClock;
  readonly engine: Engine;
  /** Once it is open. */
  session: Session | undefined;
  /** All events so far, as text. */
  readonly events: string[] = [];
  /** The error of the `closed` event. */
  error: SealpipeError | undefined;

  constructor({
    role,
    encryption = false,
    native,
    profile = native === undefined ? "classic" : "auto",
    secret,
    limits = {},
    crypto,
    clock = new FakeClock(),
    waitsForTurns,
  }: ProbeOptions) {
    const privateKey = role === "client" ? clientPrivateKey : serverPrivateKey;
    this.clock = clock;
    this.engine = new Engine({
      role,
      encryption,
      profile,
      secret,
      limits: { ...defaultEngineLimits, ...limits },
      crypto: crypto ?? fixedCrypto({ privateKey }),
      clock,
      native: native && { ...nativeDefaults, ...native },
      waitsForTurns,
    });
  }

  get state(): State {
    return this.engine.state;
  }

  receive(bytes: Uint8Array, cutting: Cutting = whole): this {
    for (const chunk of cutting(bytes)) {
      // The engine keeps what it is given; a caller may say the same again.
      this.engine.receive(Uint8Array.from(chunk));
      this.takeEvents();
    }
    return this;
  }

  end(cause?: Error): this {
    this.engine.receiveEnd(cause);
    return this.takeEvents();
  }

  /** By the session; the test has it open. */
  send(type: number, data: Uint8Array): void {
    if (this.session === undefined) throw new Error("not open");
    this.session.send(type, data);
  }

  close(): this {
    this.engine.close();
    return this.takeEvents();
  }

  /** Moves the clock and tells the engine. */
  pass(ms: number): this {
    this.clock.advance(ms);
    this.engine.handleTimeout(this.clock.now());
    return this.takeEvents();
  }

  /** Moves the clock until the engine waits for nothing. */
  passAllTimeouts(): this {
    for (let at = this.engine.nextTimeout(); at !== undefined; at = this.engine.nextTimeout()) {
      this.pass(at - this.clock.now());
    }
    return this;
  }

  /** It is over, and once the peer has had its time to take what was written, nothing is waited for. */
  assertOver(message?: string): void {
    const count = this.events.length;
    assert.equal(this.state, "closed", message);
    assert.equal(this.passAllTimeouts().engine.isDone, true, message);
    assert.equal(this.events.length, count, message);
  }

  takeEvents(): this {
    for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) {
      this.events.push(eventText(event));
      if (event.kind === "open") this.session = event.session;
      if (event.kind === "resume") this.engine.resume(undefined);
      if (event.kind === "closed") this.error = event.error;
    }
    return this;
  }

  /** The writes since the last call. */
  takeWrites(): Uint8Array[] {
    const writes: Uint8Array[] = [];
    for (let parts = this.engine.takeOutput(); parts.length > 0; parts = this.engine.takeOutput()) {
      writes.push(concat(...parts));
    }
    return writes;
  }

  /** The same as text: `"02 01"`, with ` | ` between writes. */
  written(): string {
    return this.takeWrites().map(toHex).join(" | ");
  }
}

/** An event as one line: `open encrypted`, `message 5: 01 02`, `request 1 of 5: 01`, `closed`, `closed ERR_…`. */
export function eventText(event: EngineEvent): string {
  switch (event.kind) {
    case "open":
      return event.encrypted ? "open encrypted" : "open plain";
    case "message":
      return `message ${event.type}: ${toHex(event.data)}`;
    case "request":
      return `request ${event.id} of ${event.type}: ${toHex(event.data)}${contextText(event)}`;
    case "admin-request":
      return `admin-request ${event.id}, operation ${event.operation}: ${toHex(event.data)}`;
    case "answer":
      return `answer ${event.id}: ${toHex(event.data)}`;
    case "failure":
      return `failure ${event.id}: ${event.code} ${event.message}`;
    case "cancel":
      return `cancel ${event.id}`;
    case "resume":
      return `resume ${toHex(event.sessionId)}`;
    case "closed":
      return event.error === undefined ? "closed" : `closed ${event.error.code}`;
    default:
      return streamText(event);
  }
}

/** The trace of a request or a stream, after the rest of its line. */
function contextText({ context }: { readonly context: TraceContext | undefined }): string {
  if (context === undefined) return "";
  return ` in ${context.traceparent}${context.tracestate === undefined ? "" : ` with ${context.tracestate}`}`;
}

/** What happened to a stream, as one line: `stream 1 of 5: 01`, `item 1: 02`, `stream-end 1`, `stream-reset 1: CODE why`. */
export function streamText(event: StreamEvent): string {
  switch (event.kind) {
    case "stream":
      return `stream ${event.id} of ${event.type}: ${toHex(event.data)}${contextText(event)}`;
    case "item":
      return `item ${event.id}: ${toHex(event.data)}`;
    case "stream-reset":
      return `stream-reset ${event.id}: ${event.code} ${event.message}`;
    default:
      return `${event.kind} ${event.id}`;
  }
}

/** The largest message, of these sizes, that may be sent by what has opened. */
export function maxSent(
  opened: Opened | undefined,
  sizes = [100, 1_000, 2_000, 3_145_728],
): number | undefined {
  return sizes.findLast((size) => {
    try {
      opened?.profile.session.send(5, new Uint8Array(size));
      return opened !== undefined;
    } catch {
      return false;
    }
  });
}

/** The code of the error that `act` throws, or fails. */
export function thrownCode(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof SealpipeError) return error.code;
    throw error;
  }
  throw new Error("nothing was thrown");
}
