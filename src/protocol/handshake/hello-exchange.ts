import { PeerError, type PeerErrorCode } from "../../errors.ts";
import type { CryptoProvider } from "../crypto-provider.ts";
import { equalBytes } from "../equal-bytes.ts";
import type { NativeAgreement } from "../native/agreement.ts";
import type { NativeOptions } from "../native/options.ts";
import { NativeProfile } from "../native/profile.ts";
import { type Identity, NativeSession } from "../native/session.ts";
import { frameHeaderBytes, frameKinds, invalidFrame, readBodyBytes } from "../native/wire/frame.ts";
import {
  type ClientSession,
  decodeNativeHello,
  encodeNativeHello,
  type NativeHello,
  type ServerSession,
  sessionIdBytes,
} from "../native/wire/hello.ts";
import { maxTextBytes } from "../native/wire/hello-fields.ts";
import { resumptionProof } from "../native/wire/key-schedule.ts";
import { noOffers } from "../native/wire/offers.ts";
import { joinParts } from "../parts.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { secretCopy } from "../secret-memory.ts";
import type { State } from "../states.ts";
import { type Handshake, HandshakeFailure, type HandshakeStep } from "./handshake.ts";

export interface HelloExchangeOptions {
  readonly native: NativeOptions;
  readonly maxMessageBytes: number;
  readonly frameTimeoutMs: number;
  readonly crypto: CryptoProvider;
  readonly clock: { now(): number };
}

/**
 * The end of a native handshake: each side's hello, in which a client may ask to go on with an earlier session.
 * Source: spec/protocol.md, "Native hello" and "Resume".
 */
export class HelloExchange implements Handshake {
  readonly #agreement: NativeAgreement;
  readonly #options: HelloExchangeOptions;
  /** What our hello asked for, as a client's. */
  #asked: ClientSession["kind"] = "none";
  /** The records are the profile's by now. */
  #opened = false;
  /** The client's, while it is not known whether there is the session that it asks for. */
  #resuming: NativeHello<ClientSession> | undefined;

  constructor(agreement: NativeAgreement, options: HelloExchangeOptions) {
    this.#agreement = agreement;
    this.#options = options;
  }

  /** The client's first record. */
  start(): Uint8Array[] {
    const session = this.#clientSession();
    this.#asked = session.kind;
    return [this.#seal(session)];
  }

  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined {
    switch (state) {
      case "client-awaits-native-hello":
        return this.#receiveServer(input);
      case "server-awaits-native-hello":
        return this.#orRefuse(() => this.#receiveClient(input));
      default:
        return undefined;
    }
  }

  resume(session: NativeSession | undefined): HandshakeStep {
    const hello = this.#resuming as NativeHello<ClientSession>;
    return this.#orRefuse(() => ({ ...this.#goOn(hello, session), input: "session" }));
  }

  wipe(): void {
    const { reader, writer, resumptionKey } = this.#agreement;
    resumptionKey?.fill(0);
    if (this.#opened) return;
    reader.wipe();
    writer.wipe();
  }

  #clientSession(): ClientSession {
    const { session, resumable } = this.#options.native;
    const identity = session?.identity;
    if (session === undefined || identity === undefined) return { kind: resumable ? "new" : "none" };
    const { received } = session.incoming;
    return {
      kind: "resume",
      sessionId: identity.id,
      received,
      proof: this.#proof("client", identity, received),
    };
  }

  #receiveServer(input: ReceiveBuffer): HandshakeStep | undefined {
    const body = this.#readHello(input);
    if (body === undefined) return undefined;
    const hello = decodeNativeHello(body, "server");
    const { session } = hello;
    if (session.kind === "refused") throw refusedBy(session);
    const before = this.#options.native.session;
    if (session.kind !== "resumed") {
      if (session.kind === "new" && this.#asked === "none") {
        throw invalidFrame("a session that can be resumed, which was not asked for");
      }
      const identity = session.kind === "new" ? this.#identity(session.sessionId) : undefined;
      return this.#open(hello, { session: this.#newSession(hello), identity, resumed: false });
    }
    if (before?.identity === undefined) throw invalidFrame("a session resumed that was not asked for");
    const { received, proof } = session;
    this.#checkProof(proof, this.#proof("server", before.identity, received));
    before.outgoing.rewind(received);
    return this.#open(hello, { session: before, identity: before.identity, resumed: true });
  }

  /** @throws HandshakeFailure */
  #orRefuse<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      // So that the client, too, finds out what is wrong.
      const { code, message } = error;
      throw new HandshakeFailure(error, this.#seal({ kind: "refused", code, message: cutText(message) }));
    }
  }

  #receiveClient(input: ReceiveBuffer): HandshakeStep | undefined {
    const body = this.#readHello(input);
    if (body === undefined) return undefined;
    const hello = decodeNativeHello(body, "client");
    if (hello.session.kind !== "resume" || !this.#options.native.resumable) return this.#begin(hello);
    this.#resuming = hello;
    return { input: "resuming-hello", output: [], resumes: hello.session.sessionId };
  }

  /** By the session that the client asks for or, if there is none, by a new one. */
  #goOn(hello: NativeHello<ClientSession>, session: NativeSession | undefined): HandshakeStep {
    const wanted = hello.session;
    if (wanted.kind !== "resume" || session?.identity === undefined) return this.#begin(hello);
    const { identity } = session;
    this.#checkProof(wanted.proof, this.#proof("client", identity, wanted.received));
    session.outgoing.rewind(wanted.received);
    const { received } = session.incoming;
    const proof = this.#proof("server", identity, received);
    const output = this.#seal({ kind: "resumed", received, proof });
    return { ...this.#open(hello, { session, identity, resumed: true }), output: [output] };
  }

  #begin(hello: NativeHello<ClientSession>): HandshakeStep {
    const { native } = this.#options;
    const keeps = hello.session.kind !== "none" && native.resumable;
    const identity = keeps ? this.#identity(this.#options.crypto.randomBytes(sessionIdBytes)) : undefined;
    const output = this.#seal(
      identity === undefined ? { kind: "none" } : { kind: "new", sessionId: identity.id },
    );
    return {
      ...this.#open(hello, { session: this.#newSession(hello), identity, resumed: false }),
      output: [output],
    };
  }

  /** With that peer. */
  #newSession({ offers: peers = noOffers }: NativeHello): NativeSession {
    const { maxMessageBytes, native } = this.#options;
    const { windows, offers = noOffers } = native;
    return new NativeSession({ maxMessageBytes, windows, features: offers.features & peers.features });
  }

  #identity(id: Uint8Array): Identity {
    const { resumptionKey } = this.#agreement;
    if (resumptionKey === undefined) return { id, resumptionKey: this.#options.crypto.sha256(id) };
    // A copy: ours is wiped when the hellos are over, whether or not there is an identity.
    return { id, resumptionKey: secretCopy(resumptionKey) };
  }

  #open(
    hello: NativeHello,
    going: {
      readonly session: NativeSession;
      readonly identity: Identity | undefined;
      readonly resumed: boolean;
    },
  ): HandshakeStep {
    const { session, identity, resumed } = going;
    const { reader, writer, encrypted } = this.#agreement;
    session.attach(hello, identity);
    this.#opened = true;
    this.wipe();
    const { native, clock, frameTimeoutMs } = this.#options;
    const keepalive = native;
    const profile = new NativeProfile({
      session,
      reader,
      writer,
      encrypted,
      keepalive,
      frameTimeoutMs,
      clock,
    });
    const { pid, library, application, applicationVersion } = hello;
    const peer = { pid, library, application, applicationVersion };
    return {
      input: "native-hello",
      output: [],
      opened: { profile, native: { session, resumed, peer } },
    };
  }

  /** The body of the hello that is all of the peer's first record. */
  #readHello(input: ReceiveBuffer): Uint8Array | undefined {
    const record = this.#agreement.reader.read(input)?.bytes;
    if (record === undefined) return undefined;
    if (record[0] !== frameKinds.hello || record.length !== frameHeaderBytes + readBodyBytes(record, 0)) {
      throw invalidFrame("something else than a hello at first");
    }
    return record.subarray(frameHeaderBytes);
  }

  #seal(session: ClientSession | ServerSession): Uint8Array {
    const { native, maxMessageBytes } = this.#options;
    const { self, windows, offers = noOffers } = native;
    const hello = encodeNativeHello({ ...self, windows, maxMessageBytes, session, offers });
    return joinParts(this.#agreement.writer.write([hello]));
  }

  #proof(
    side: "client" | "server",
    { id, resumptionKey }: Identity,
    received: readonly [number, number, number],
  ): Uint8Array {
    const { transcript } = this.#agreement;
    return resumptionProof(
      side,
      { resumptionKey, transcript, sessionId: id, received },
      this.#options.crypto,
    );
  }

  #checkProof(given: Uint8Array, wanted: Uint8Array): void {
    if (equalBytes(given, wanted)) return;
    throw new PeerError(
      "ERR_AUTHENTICATION_FAILED",
      "the peer has not had part in the session that it wants to resume",
    );
  }
}

/** For what a server's hello may say that it refuses ours. */
const refusalCodes = {
  ERR_AUTHENTICATION_FAILED: true,
  ERR_FRAME_INVALID: true,
  ERR_FRAME_TOO_LARGE: true,
  ERR_FRAME_TOO_SHORT: true,
} as const satisfies Partial<Record<PeerErrorCode, true>>;

function refusedBy({ code, message }: { readonly code: string; readonly message: string }): PeerError {
  const known = Object.hasOwn(refusalCodes, code);
  return new PeerError(
    known ? (code as keyof typeof refusalCodes) : "ERR_HANDSHAKE_REJECTED",
    `the server refused this end's hello, with ${code}: ${message}`,
  );
}

/** As much of a text of ours, which has one byte a character, as a hello has room for. */
function cutText(text: string): string {
  return text.slice(0, maxTextBytes);
}
