import assert from "node:assert/strict";
import { PeerError } from "#dist/errors.js";
import { Engine } from "#dist/protocol/engine.js";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import { defaultEngineLimits, type EngineLimits } from "#dist/protocol/limits.js";
import type { NativeOptions } from "#dist/protocol/native/options.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { frameHeaderBytes } from "#dist/protocol/native/wire/frame.js";
import {
  type ClientSession,
  decodeNativeHello,
  encodeNativeHello,
  type NativeHello,
  type ServerSession,
} from "#dist/protocol/native/wire/hello.js";
import { concat } from "./bytes.ts";
import { type Cutting, whole } from "./cutting.ts";
import { nativeDefaults } from "./engine-probe.ts";
import { FakeClock } from "./fake-clock.ts";
import { fixedCrypto } from "./fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "./hand-made-peer.ts";
import { HandshakeEnd } from "./handshake-pair.ts";

/** A hello from a peer: the whole frame. */
export function helloFrame(session: ClientSession | ServerSession = { kind: "none" }): Uint8Array {
  return encodeNativeHello({
    ...nativeDefaults.self,
    windows: nativeDefaults.windows,
    maxMessageBytes: 1_000,
    session,
  });
}

export interface Ends {
  readonly role: "client" | "server";
  readonly encryption: boolean;
  /** Another than the usual one, for another connection. */
  readonly peersPrivateKey?: Uint8Array | undefined;
  readonly secrets?: { readonly own?: Uint8Array; readonly peers?: Uint8Array } | undefined;
  readonly native?: Partial<NativeOptions>;
  readonly limits?: Partial<EngineLimits>;
  /** The session that a client may resume; without it the test answers itself. Default: there is none. */
  readonly find?: ((id: Uint8Array) => NativeSession | undefined) | "not yet";
}

/** An engine whose peer is a handshake that the test goes on with by hand, in the state before the peer's hello. */
export class AwaitingHello {
  readonly clock = new FakeClock();
  readonly engine: Engine;
  /** Once it is open. */
  session: NativeSession | undefined;
  readonly role: "client" | "server";
  readonly peer: HandshakeEnd;
  readonly #find: NonNullable<Ends["find"]>;
  readonly events: EngineEvent[] = [];
  /** What the engine has written since the handshake began, write by write. */
  readonly writes: Uint8Array[] = [];

  constructor({
    role,
    encryption,
    peersPrivateKey,
    secrets = {},
    native = {},
    limits = {},
    find = () => undefined,
  }: Ends) {
    this.role = role;
    this.#find = find;
    const keys = { client: clientPrivateKey, server: serverPrivateKey };
    const peersRole = role === "client" ? "server" : "client";
    this.peer = new HandshakeEnd(peersRole, {
      encryption,
      secret: secrets.peers,
      crypto: fixedCrypto({ privateKey: peersPrivateKey ?? keys[peersRole] }),
    });
    this.engine = new Engine({
      role,
      encryption,
      secret: secrets.own,
      native: { ...nativeDefaults, resumable: false, ...native },
      limits: { ...defaultEngineLimits, ...limits },
      clock: this.clock,
      crypto: fixedCrypto({ privateKey: keys[role] }),
    });
    for (let heard = 0; heard < this.peer.written.length || this.#exchange(); ) {
      for (; heard < this.peer.written.length; heard++) this.hear(this.peer.written[heard] as Uint8Array);
    }
    assert.equal(this.engine.state, `${role}-awaits-native-hello`);
    assert.equal(this.peer.outcome, "native");
  }

  hear(bytes: Uint8Array, cutting: Cutting = whole): this {
    for (const chunk of cutting(bytes)) {
      // A copy: the engine keeps the chunk, and a caller may send the same again.
      this.engine.receive(Uint8Array.from(chunk));
      this.#takeEvents();
    }
    return this;
  }

  hearFrames(...frames: readonly Uint8Array[]): this {
    return this.hear(this.#record(frames));
  }

  hearHello(session?: ClientSession | ServerSession, cutting: Cutting = whole): this {
    return this.hear(this.#record([helloFrame(session)]), cutting);
  }

  /** What the engine says of itself as its first record. */
  saidHello(): NativeHello {
    const record = this.nextRecord();
    assert.ok(record instanceof Uint8Array);
    return decodeNativeHello(record.subarray(frameHeaderBytes), this.role);
  }

  /** By the session; the test has it open. */
  send(type: number, data: Uint8Array): void {
    assert.ok(this.session);
    this.session.send(type, data);
  }

  /** The session that a client wants to resume is found, or not. */
  resume(session: NativeSession | undefined): this {
    this.engine.resume(session);
    return this.#takeEvents();
  }

  end(): this {
    this.engine.receiveEnd();
    return this.#takeEvents();
  }

  close(): this {
    this.engine.close();
    return this.#takeEvents();
  }

  pass(ms: number): this {
    this.clock.advance(ms);
    this.engine.handleTimeout(this.clock.now());
    return this.#takeEvents();
  }

  /** The frames of the engine's next record, or the code of the error that its peer gets. */
  nextRecord(): Uint8Array | string | undefined {
    this.#exchange();
    try {
      return this.peer.native?.reader.read(this.peer.input)?.bytes;
    } catch (error) {
      assert.ok(error instanceof PeerError);
      return error.code;
    }
  }

  get told(): string[] {
    return this.events.map((event) => {
      if (event.kind === "open") return `open ${event.profile} ${event.encrypted ? "encrypted" : "plain"}`;
      return event.kind === "closed" ? `closed ${event.error?.code ?? "in order"}` : event.kind;
    });
  }

  #record(frames: readonly Uint8Array[]): Uint8Array {
    return concat(...(this.peer.native?.writer.write(frames) ?? []));
  }

  #exchange(): boolean {
    const before = this.writes.length;
    for (let parts = this.engine.takeOutput(); parts.length > 0; parts = this.engine.takeOutput()) {
      const write = concat(...parts);
      this.writes.push(write);
      this.peer.receive(write);
    }
    return this.writes.length > before;
  }

  #takeEvents(): this {
    for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) {
      if (event.kind === "resume") {
        if (this.#find !== "not yet") this.engine.resume(this.#find(event.sessionId));
        continue;
      }
      this.events.push(event);
      if (event.kind === "open") this.session = event.native?.session;
    }
    return this;
  }
}
