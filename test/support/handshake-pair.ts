import { nodeCrypto } from "#dist/crypto/node.js";
import { PeerError } from "#dist/errors.js";
import { ClientHandshake } from "#dist/protocol/handshake/client.js";
import type { Handshake, Opened } from "#dist/protocol/handshake/handshake.js";
import type { HandshakeOptions } from "#dist/protocol/handshake/options.js";
import { ServerHandshake } from "#dist/protocol/handshake/server.js";
import { HandshakeFailure } from "#dist/protocol/handshake-failure.js";
import type { NativeAgreement } from "#dist/protocol/native/agreement.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { nextState, type State } from "#dist/protocol/states.js";
import { nativeFrame } from "./native-frames.ts";

export type EndOptions = Partial<HandshakeOptions>;

/** One side of a handshake, without an engine around it: bytes go in and out, and it comes to something. */
export class HandshakeEnd {
  state: State;
  opened: Opened | undefined;
  native: NativeAgreement | undefined;
  error: PeerError | undefined;
  /** All parts that it has written so far. */
  readonly written: Uint8Array[];
  readonly input = new ReceiveBuffer();
  readonly #handshake: Handshake;
  #taken = 0;

  constructor(side: "client" | "server", options: EndOptions = {}) {
    const all = {
      encryption: true,
      profile: "auto" as const,
      maxMessageBytes: 3_145_728,
      crypto: nodeCrypto,
      ...options,
    };
    this.#handshake = side === "client" ? new ClientHandshake(all) : new ServerHandshake(all);
    this.state = side === "client" ? "client-awaits-hello" : "server-awaits-answer";
    this.written = this.#handshake.start();
  }

  /** In words: `classic`, `native`, `refused ERR_…`, `failed ERR_…`, or the state that it is in. */
  get outcome(): string {
    if (this.error !== undefined) return `failed ${this.error.code}`;
    if (this.opened?.refused !== undefined) return `refused ${this.opened.refused.code}`;
    if (this.native !== undefined) return "native";
    return this.opened?.profile.name ?? this.state;
  }

  /** Hears what the other has written since the last call, part by part; `change` may make something else of a part. */
  hear(other: HandshakeEnd, change: (part: Uint8Array) => Uint8Array = (part) => part): boolean {
    const parts = other.written.slice(this.#taken);
    this.#taken = other.written.length;
    for (const part of parts) this.receive(change(part));
    return parts.length > 0;
  }

  receive(bytes: Uint8Array): this {
    this.input.push(bytes);
    try {
      while (this.#advance());
    } catch (error) {
      this.error = error instanceof HandshakeFailure ? error.error : (error as PeerError);
      if (!(this.error instanceof PeerError)) throw error;
      if (error instanceof HandshakeFailure) this.written.push(error.lastWords);
    }
    return this;
  }

  #advance(): boolean {
    if (this.opened !== undefined || this.native !== undefined || this.error !== undefined) return false;
    const step = this.#handshake.advance(this.state, this.input);
    if (step === undefined) return false;
    this.state = nextState(this.state, step.input);
    this.written.push(...step.output);
    this.opened = step.opened;
    this.native = step.native;
    return true;
  }
}

/** A client's and a server's handshake, run until both are quiet. */
export function shakeHands(
  client: EndOptions,
  server: EndOptions,
): { client: HandshakeEnd; server: HandshakeEnd } {
  const pair = { client: new HandshakeEnd("client", client), server: new HandshakeEnd("server", server) };
  runTogether(pair.client, pair.server);
  return pair;
}

export function runTogether(client: HandshakeEnd, server: HandshakeEnd): void {
  for (let moved = true; moved; ) {
    const toClient = client.hear(server);
    const toServer = server.hear(client);
    moved = toClient || toServer;
  }
}

/** Whether the one's first record opens at the other: `opens`, or the error's code. */
export function firstRecord(from: HandshakeEnd, to: HandshakeEnd): string {
  const input = new ReceiveBuffer();
  for (const part of from.native?.writer.write([nativeFrame("acknowledge-soon")]) ?? []) input.push(part);
  try {
    return to.native?.reader.read(input) === undefined ? "waits" : "opens";
  } catch (error) {
    return (error as PeerError).code;
  }
}
