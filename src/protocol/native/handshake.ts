import { PeerError } from "../../errors.ts";
import type { CryptoProvider } from "../crypto-provider.ts";
import { equalBytes } from "../equal-bytes.ts";
import { HandshakeFailure } from "../handshake-failure.ts";
import { joinParts } from "../parts.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import { secretCopy } from "../secret-memory.ts";
import type { Input, State } from "../states.ts";
import type { NativeAgreement } from "./agreement.ts";
import type { NativeOpened, NativeOptions, SessionAnswer } from "./options.ts";
import { NativeProfile } from "./profile.ts";
import { refusalFor, refusedBy } from "./refusal.ts";
import { type Identity, NativeSession } from "./session.ts";
import type { Side } from "./streams/stream-ids.ts";
import { frameHeaderBytes, frameKinds, invalidFrame, readBodyBytes } from "./wire/frame.ts";
import {
  type ClientSession,
  decodeNativeHello,
  encodeNativeHello,
  type NativeHello,
  type ServerSession,
  sessionIdBytes,
} from "./wire/hello.ts";
import { resumptionProof } from "./wire/key-schedule.ts";
import type { Positions } from "./wire/lanes.ts";
import { hasFeature, noOffers } from "./wire/offers.ts";

/** One step: what arrived, as an input of the engine's table, and the answer. */
export interface NativeStep {
  readonly input: Input;
  /** Parts to send, each in a write of its own. */
  readonly output: readonly Uint8Array[];
  /** Set by the last step: how to go on. */
  readonly opened?: { readonly profile: NativeProfile; readonly native: NativeOpened };
  /** A client wants to resume the session with this id: {@link NativeHandshake.resume} is to be called. */
  readonly resumes?: Uint8Array;
}

export interface NativeHandshakeOptions {
  readonly native: NativeOptions;
  readonly maxMessageBytes: number;
  readonly frameTimeoutMs: number;
  readonly crypto: CryptoProvider;
  readonly clock: { now(): number };
}

/**
 * The end of a native handshake: each side's hello, in which a client may ask to resume an earlier session. Source:
 * spec/protocol.md, "Native hello" and "Resume".
 */
export class NativeHandshake {
  readonly #agreement: NativeAgreement;
  readonly #options: NativeHandshakeOptions;
  /** Client: what this end's hello asked for. */
  #asked: ClientSession["kind"] = "none";
  /** The records belong to the profile by now. */
  #opened = false;
  /** The client's hello, until it is known whether the session that it wants to resume exists. */
  #resuming: NativeHello<ClientSession> | undefined;

  constructor(agreement: NativeAgreement, options: NativeHandshakeOptions) {
    this.#agreement = agreement;
    this.#options = options;
  }

  /** The client's first record. */
  start(): Uint8Array[] {
    const session = this.#clientSession();
    this.#asked = session.kind;
    return [this.#seal(session)];
  }

  advance(state: State, input: ReceiveBuffer): NativeStep | undefined {
    switch (state) {
      case "client-awaits-native-hello":
        return this.#receiveServer(input);
      case "server-awaits-native-hello":
        return this.#orRefuse(() => this.#receiveClient(input));
      default:
        return undefined;
    }
  }

  resume(session: SessionAnswer): NativeStep {
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

  #receiveServer(input: ReceiveBuffer): NativeStep | undefined {
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
      const sessionEnded = this.#asked === "resume" ? hello.offers?.sessionEnded : undefined;
      return this.#open(hello, {
        session: this.#newSession(hello, "client"),
        identity,
        resumed: false,
        sessionEnded,
      });
    }
    if (before?.identity === undefined) throw invalidFrame("a session resumed that was not asked for");
    const received = receivedOf(before, session.received, hello);
    const { proof } = session;
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
      // So that the client, too, learns what is wrong.
      throw new HandshakeFailure(error, this.#seal(refusalFor(error)));
    }
  }

  #receiveClient(input: ReceiveBuffer): NativeStep | undefined {
    const body = this.#readHello(input);
    if (body === undefined) return undefined;
    const hello = decodeNativeHello(body, "client");
    if (hello.session.kind !== "resume" || !this.#options.native.resumable) return this.#begin(hello);
    this.#resuming = hello;
    return { input: "resuming-hello", output: [], resumes: hello.session.sessionId };
  }

  /** Goes on with the session that the client wants to resume or, if there is none, with a new one. */
  #goOn(hello: NativeHello<ClientSession>, session: SessionAnswer): NativeStep {
    const wanted = hello.session;
    if (session !== undefined && "ended" in session) return this.#begin(hello, session.ended);
    if (wanted.kind !== "resume" || session?.identity === undefined) return this.#begin(hello);
    const { identity } = session;
    const peers = receivedOf(session, wanted.received, hello);
    this.#checkProof(wanted.proof, this.#proof("client", identity, peers));
    session.outgoing.rewind(peers);
    const { received } = session.incoming;
    const proof = this.#proof("server", identity, received);
    const output = this.#seal({ kind: "resumed", received, proof });
    return { ...this.#open(hello, { session, identity, resumed: true }), output: [output] };
  }

  /** Begins a new session. `sessionEnded`: why the session has ended that the client wants to resume. */
  #begin(hello: NativeHello<ClientSession>, sessionEnded?: string): NativeStep {
    const { native } = this.#options;
    const keeps = hello.session.kind !== "none" && native.resumable;
    const identity = keeps ? this.#identity(this.#options.crypto.randomBytes(sessionIdBytes)) : undefined;
    const output = this.#seal(
      identity === undefined ? { kind: "none" } : { kind: "new", sessionId: identity.id },
      sessionEnded,
    );
    return {
      ...this.#open(hello, { session: this.#newSession(hello, "server"), identity, resumed: false }),
      output: [output],
    };
  }

  /** A new session with the peer of this hello. */
  #newSession({ offers: peers = noOffers }: NativeHello, side: Side): NativeSession {
    const { maxMessageBytes, native } = this.#options;
    const { windows, offers = noOffers } = native;
    const features = offers.features & peers.features;
    const { maxConcurrentStreams: maxConcurrent, streamWindow: window } = offers;
    const streams = hasFeature(features, "streams") ? { side, maxConcurrent, window } : undefined;
    const takesAdmin = side === "server" && hasFeature(features, "admin");
    return new NativeSession({ maxMessageBytes, windows, features, takesAdmin, streams });
  }

  #identity(id: Uint8Array): Identity {
    const { resumptionKey } = this.#agreement;
    // A copy: the original is wiped when the hellos are over, whether or not there is an identity.
    return { id, resumptionKey: resumptionKey && secretCopy(resumptionKey) };
  }

  #open(
    hello: NativeHello,
    going: {
      readonly session: NativeSession;
      readonly identity: Identity | undefined;
      readonly resumed: boolean;
      readonly sessionEnded?: string | undefined;
    },
  ): NativeStep {
    const { session, identity, resumed, sessionEnded } = going;
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
    const { pid, library, application, applicationVersion, offers = noOffers } = hello;
    const { codec, contracts } = offers;
    const peer = { pid, library, application, applicationVersion, codec, contracts };
    return {
      input: "native-hello",
      output: [],
      opened: { profile, native: { session, resumed, sessionEnded, peer } },
    };
  }

  /** The body of the hello, which is the only frame in the peer's first record. */
  #readHello(input: ReceiveBuffer): Uint8Array | undefined {
    const record = this.#agreement.reader.read(input)?.bytes;
    if (record === undefined) return undefined;
    if (record[0] !== frameKinds.hello || record.length !== frameHeaderBytes + readBodyBytes(record, 0)) {
      throw invalidFrame("something else than a hello at first");
    }
    return record.subarray(frameHeaderBytes);
  }

  #seal(session: ClientSession | ServerSession, sessionEnded?: string): Uint8Array {
    const { native, maxMessageBytes } = this.#options;
    const { self, windows } = native;
    const received = "received" in session ? session.received[3] : undefined;
    const offers = {
      ...(native.offers ?? noOffers),
      ...(received !== undefined && { receivedStreams: received }),
      ...(sessionEnded !== undefined && { sessionEnded }),
    };
    const hello = encodeNativeHello({ ...self, windows, maxMessageBytes, session, offers });
    return joinParts(this.#agreement.writer.write([hello]));
  }

  #proof(side: "client" | "server", { id, resumptionKey }: Identity, received: Positions): Uint8Array {
    const { transcript } = this.#agreement;
    const { crypto } = this.#options;
    const key = resumptionKey ?? crypto.sha256(id);
    return resumptionProof(side, { resumptionKey: key, transcript, sessionId: id, received }, crypto);
  }

  #checkProof(given: Uint8Array, wanted: Uint8Array): void {
    if (equalBytes(given, wanted)) return;
    throw new PeerError(
      "ERR_AUTHENTICATION_FAILED",
      "the peer did not take part in the session that it wants to resume",
    );
  }
}

/** How far the peer has received, in each lane of the session. */
function receivedOf(
  { hasStreams }: NativeSession,
  [messages, requests, answers]: Positions,
  { offers = noOffers }: NativeHello,
): Positions {
  if (!hasStreams) return [messages, requests, answers];
  return [messages, requests, answers, offers.receivedStreams];
}
