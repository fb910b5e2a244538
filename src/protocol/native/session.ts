import { PeerError } from "../../errors.ts";
import { checkMessage, checkPeerTakes } from "../message.ts";
import type { ConsumedLane, Failure, Leftovers, Session, SessionStreams, TraceContext } from "../session.ts";
import { Incoming, type IncomingLimits } from "./lanes/incoming.ts";
import { decodeMessages, decodeRequests } from "./lanes/leftovers.ts";
import { Outgoing } from "./lanes/outgoing.ts";
import { OwnRequestIds, PeerRequestIds } from "./requests/request-ids.ts";
import { IncomingStreams } from "./streams/incoming-streams.ts";
import type { Side } from "./streams/stream-ids.ts";
import { type StreamLimits, Streams } from "./streams/streams.ts";
import { type Feature, hasFeature, noOffers, type Offers } from "./wire/offers.ts";

/** What an end takes, and what both can read. */
export interface SessionLimits extends IncomingLimits {
  /** If both ends have streams. */
  readonly streams?: (StreamLimits & { readonly side: Side }) | undefined;
}

/** What the peer's hello says that it takes. */
export interface PeerLimits extends Omit<IncomingLimits, "features"> {
  readonly offers?: Offers | undefined;
}

export interface SessionIds {
  readonly own: Pick<OwnRequestIds, "next" | "settle">;
  readonly peers: Pick<PeerRequestIds, "arrived" | "cancelled" | "has" | "settle">;
}

/** Identifies a peer that comes back. The key belongs to the session, which wipes it. */
export interface Identity {
  readonly id: Uint8Array;
  /**
   * `undefined` on the plain wire, where it is no secret: it is then derived from the id, and only by a resume, so that a program
   * that connects once, plain, needs no cryptography at all.
   */
  readonly resumptionKey: Uint8Array | undefined;
}

/**
 * Everything between two native ends that is not settled yet: it outlives the connection, so that another one can go
 * on where the first broke. The application may send at any time, with or without a connection.
 *
 * Source: spec/protocol.md, "Lanes", "Requests" and "Resume".
 */
export class NativeSession implements Session {
  readonly isAcknowledged = true;
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  readonly #streams: Streams | undefined;
  readonly #ids: SessionIds;
  readonly #maxMessageBytes: number;
  readonly #features: number;
  #peerMaxMessageBytes: number;
  #identity: Identity | undefined;
  #wantsAcknowledgement = false;
  /** How long the last ping of this end took to be answered, in milliseconds. */
  roundTripMs: number | undefined;

  /** `ids`: rules other than the spec's, for tests of frames alone. */
  constructor(
    limits: SessionLimits,
    ids: SessionIds = { own: new OwnRequestIds(), peers: new PeerRequestIds() },
  ) {
    this.#ids = ids;
    this.#maxMessageBytes = limits.maxMessageBytes;
    this.#features = limits.features ?? 0;
    this.#peerMaxMessageBytes = limits.maxMessageBytes;
    const { streams, maxMessageBytes } = limits;
    this.outgoing = new Outgoing(streams !== undefined);
    const sendsContext = this.#has("context");
    this.#streams =
      streams &&
      new Streams({ side: streams.side, own: streams, maxMessageBytes, sendsContext }, this.outgoing.streams);
    this.incoming = new Incoming(
      limits,
      this.#ids,
      this.#streams && new IncomingStreams(this.#streams, limits),
    );
  }

  /** Absent if the session ends with its connection. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get isResumable(): boolean {
    return this.#identity !== undefined;
  }

  /** The weight of everything that waits to be sent, or is sent and not acknowledged. */
  get queuedBytes(): number {
    return this.outgoing.queuedBytes;
  }

  get queuedMessageBytes(): number {
    return this.outgoing.messages.queuedBytes;
  }

  get queuedRequestBytes(): number {
    return this.outgoing.requests.queuedBytes;
  }

  get queuedAnswerBytes(): number {
    return this.outgoing.answers.queuedBytes;
  }

  /** @throws PeerError `ERR_PEER_WITHOUT_STREAMS` */
  get streams(): SessionStreams {
    if (this.#streams !== undefined) return this.#streams;
    throw new PeerError("ERR_PEER_WITHOUT_STREAMS", "the peer's library has no streams");
  }

  get hasStreams(): boolean {
    return this.#streams !== undefined;
  }

  /** Bytes of items that wait for credit, and so are not part of `queuedBytes`. */
  get waitingItemBytes(): number {
    return this.#streams?.waitingBytes ?? 0;
  }

  /** Bytes that are kept besides both, in both directions. They do not grow while there is no connection. */
  get keptBytes(): number {
    return this.outgoing.keptBytes + this.incoming.keptBytes + (this.#streams?.unconsumedBytes ?? 0);
  }

  /** The weight of everything that was sent and acknowledged, or received and consumed, so far. */
  get settledBytes(): number {
    return this.outgoing.acknowledgedBytes + this.incoming.consumedBytes;
  }

  /** Whether to ask the peer to acknowledge soon, once everything is sent. */
  get wantsAcknowledgement(): boolean {
    return this.#wantsAcknowledgement;
  }

  /** Begins the session, or resumes it with the same peer on another connection. */
  attach(peer: PeerLimits, identity: Identity | undefined): void {
    this.#identity = identity;
    const { maxMessageBytes, offers = noOffers } = peer;
    const { streamLaneWindow, maxConcurrentStreams, streamWindow } = offers;
    this.#peerMaxMessageBytes = maxMessageBytes;
    this.outgoing.lanes.forEach((lane, index) => {
      lane.window = peer.windows[index] ?? streamLaneWindow;
    });
    this.#streams?.attach({ maxConcurrent: maxConcurrentStreams, window: streamWindow, maxMessageBytes });
    this.outgoing.loseTaken();
    this.incoming.forgetAcknowledged();
  }

  send(type: number, data: Uint8Array): void {
    this.#checkSize(type, data.length);
    this.outgoing.message(type, data);
  }

  request(type: number, data: Uint8Array, context?: TraceContext): number {
    this.#checkSize(type, data.length);
    const id = this.#ids.own.next();
    this.outgoing.request(id, { type, data, context: this.#has("context") ? context : undefined });
    return id;
  }

  admin(operation: number, data: Uint8Array): number {
    if (!this.#has("admin")) {
      throw new PeerError("ERR_PEER_WITHOUT_ADMIN", "the server's library answers no requests to itself");
    }
    const id = this.#ids.own.next();
    this.outgoing.admin(id, operation, data);
    return id;
  }

  cancel(id: number): void {
    if (this.#ids.own.settle(id)) this.outgoing.cancel(id);
  }

  answer(id: number, data: Uint8Array): void {
    if (!this.#ids.peers.has(id)) return;
    this.#checkSize(1, data.length);
    this.#ids.peers.settle(id);
    this.outgoing.answer(id, data);
  }

  fail(id: number, failure: Failure): void {
    if (!this.#ids.peers.has(id)) return;
    this.#ids.peers.settle(id);
    const { code, message } = failure;
    this.outgoing.failure(id, this.#has("failure-data") ? failure : { code, message });
  }

  consumed(lane: ConsumedLane, position: number): void {
    this.incoming.lane(lane).consume(position);
  }

  askForAcknowledgement(): void {
    this.#wantsAcknowledgement = this.queuedBytes > 0;
  }

  /** The peer has been asked, or need not be. */
  askedForAcknowledgement(): void {
    this.#wantsAcknowledgement = false;
  }

  /** From now on the session ends with its connection: nobody may resume it. */
  forgetIdentity(): void {
    this.#identity?.resumptionKey?.fill(0);
    this.#identity = undefined;
  }

  /** Answers and cancels mean nothing in another session and are dropped. */
  abandon(): Leftovers {
    this.forgetIdentity();
    const messages = this.outgoing.messages.drain();
    const requests = this.outgoing.requests.drain();
    this.outgoing.answers.drain();
    this.outgoing.streams.drain();
    this.#streams?.abandon();
    return {
      unacknowledged: decodeMessages(messages.sent),
      unsent: decodeMessages(messages.unsent),
      unsentRequests: decodeRequests(requests.unsent),
    };
  }

  /** Whether both ends have that feature. */
  #has(feature: Feature): boolean {
    return hasFeature(this.#features, feature);
  }

  #checkSize(type: number, dataBytes: number): void {
    checkMessage(type, dataBytes, this.#maxMessageBytes);
    checkPeerTakes(dataBytes, this.#peerMaxMessageBytes);
  }
}
