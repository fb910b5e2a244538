import { SealpipeError } from "#dist/errors.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import type { Opened, ProfileChoice } from "#dist/protocol/handshake/handshake.js";
import { defaultSessionLimits, type SessionLimits } from "#dist/protocol/limits.js";
import type { NativeOptions } from "#dist/protocol/native/options.js";
import { Session, type SessionEvent } from "#dist/protocol/session.js";
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
  readonly limits?: Partial<SessionLimits>;
  readonly crypto?: CryptoProvider;
  readonly clock?: FakeClock;
  /** Without it the session speaks classic. */
  readonly native?: Partial<NativeOptions>;
  readonly waitsForTurns?: boolean;
}

/** What a session that speaks native is given where its test says nothing else: no pings. */
export const nativeDefaults: NativeOptions = {
  self: { pid: 1, library: "sealpipe/test", application: "", applicationVersion: "" },
  windows: [65_536, 65_536, 65_536],
  resumable: false,
  keepaliveIntervalMs: Number.POSITIVE_INFINITY,
  keepaliveTimeoutMs: 10_000,
};

/** A session whose peer is the test, and everything that came out of it. */
export class SessionProbe {
  readonly clock: FakeClock;
  readonly session: Session;
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
    this.session = new Session({
      role,
      encryption,
      profile,
      secret,
      limits: { ...defaultSessionLimits, ...limits },
      crypto: crypto ?? fixedCrypto({ privateKey }),
      clock,
      native: native && { ...nativeDefaults, ...native },
      waitsForTurns,
    });
  }

  get state(): State {
    return this.session.state;
  }

  receive(bytes: Uint8Array, cutting: Cutting = whole): this {
    for (const chunk of cutting(bytes)) {
      // The session keeps what it is given; a caller may say the same again.
      this.session.receive(Uint8Array.from(chunk));
      this.takeEvents();
    }
    return this;
  }

  end(cause?: Error): this {
    this.session.receiveEnd(cause);
    return this.takeEvents();
  }

  close(): this {
    this.session.close();
    return this.takeEvents();
  }

  /** Moves the clock and tells the session. */
  pass(ms: number): this {
    this.clock.advance(ms);
    this.session.handleTimeout(this.clock.now());
    return this.takeEvents();
  }

  /** Moves the clock until the session waits for nothing. */
  passAllTimeouts(): this {
    for (let at = this.session.nextTimeout(); at !== undefined; at = this.session.nextTimeout()) {
      this.pass(at - this.clock.now());
    }
    return this;
  }

  takeEvents(): this {
    for (let event = this.session.nextEvent(); event !== undefined; event = this.session.nextEvent()) {
      this.events.push(eventText(event));
      if (event.kind === "closed") this.error = event.error;
    }
    return this;
  }

  /** The writes since the last call. */
  takeWrites(): Uint8Array[] {
    const writes: Uint8Array[] = [];
    for (let parts = this.session.takeOutput(); parts.length > 0; parts = this.session.takeOutput()) {
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
export function eventText(event: SessionEvent): string {
  switch (event.kind) {
    case "open":
      return event.encrypted ? "open encrypted" : "open plain";
    case "message":
      return `message ${event.type}: ${toHex(event.data)}`;
    case "request":
      return `request ${event.id} of ${event.type}: ${toHex(event.data)}`;
    case "answer":
      return `answer ${event.id}: ${toHex(event.data)}`;
    case "failure":
      return `failure ${event.id}: ${event.code} ${event.message}`;
    case "cancel":
      return `cancel ${event.id}`;
    case "closed":
      return event.error === undefined ? "closed" : `closed ${event.error.code}`;
  }
}

/** The largest message, of these sizes, that may be sent by what has opened. */
export function mostSent(
  opened: Opened | undefined,
  sizes = [100, 1_000, 2_000, 3_145_728],
): number | undefined {
  return sizes.findLast((size) => {
    try {
      opened?.profile.send(5, new Uint8Array(size));
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
