import { checkMessage, checkPeerTakes } from "../message.ts";
import type { ConsumedLane, Failure, Leftovers, Session } from "../session.ts";
import { Incoming, type IncomingLimits } from "./lanes/incoming.ts";
import { decodeMessages, decodeRequests } from "./lanes/leftovers.ts";
import { Outgoing } from "./lanes/outgoing.ts";
import { OwnRequestIds, PeerRequestIds } from "./requests/request-ids.ts";
import { hasFeature } from "./wire/offers.ts";

/** What an end tells the other of what it takes. */
export type SessionLimits = IncomingLimits;

export interface SessionIds {
  readonly own: Pick<OwnRequestIds, "next" | "settle">;
  readonly peers: Pick<PeerRequestIds, "arrived" | "cancelled" | "has" | "settle">;
}

/** By what a peer that comes back is known. The key is the session's own: it wipes it. */
export interface Identity {
  readonly id: Uint8Array;
  readonly resumptionKey: Uint8Array;
}

/**
 * What two native ends have said to each other and not settled yet: it outlives the connection, so that another one can
 * go on where it broke. Sends may come at any time, with a connection or without.
 *
 * Source: spec/protocol.md, "Lanes", "Requests" and "Resume".
 */
export class NativeSession implements Session {
  readonly isAcknowledged = true;
  readonly incoming: Incoming;
  readonly outgoing = new Outgoing();
  readonly #ids: SessionIds;
  readonly #maxMessageBytes: number;
  readonly #sendsFailureData: boolean;
  #peerMaxMessageBytes: number;
  #identity: Identity | undefined;
  #wantsAcknowledgement = false;

  /** `ids`: other rules than those of the spec, for tests of frames by themselves. */
  constructor(
    limits: SessionLimits,
    ids: SessionIds = { own: new OwnRequestIds(), peers: new PeerRequestIds() },
  ) {
    this.#ids = ids;
    this.#maxMessageBytes = limits.maxMessageBytes;
    this.#sendsFailureData = hasFeature(limits.features, "failure-data");
    this.#peerMaxMessageBytes = limits.maxMessageBytes;
    this.incoming = new Incoming(limits, this.#ids);
  }

  /** Absent if the session ends with its connection. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get isResumable(): boolean {
    return this.#identity !== undefined;
  }

  /** The weight of what waits to be sent, or is sent and not acknowledged. */
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

  /** What is kept besides that, in both directions. It does not grow while there is no connection. */
  get keptBytes(): number {
    return this.outgoing.keptBytes + this.incoming.keptBytes;
  }

  /** The weight of all that was sent and acknowledged, or received and consumed, so far. */
  get settledBytes(): number {
    return this.outgoing.acknowledgedBytes + this.incoming.consumedBytes;
  }

  /** Whether the peer is to be asked to acknowledge soon, once all is sent. */
  get wantsAcknowledgement(): boolean {
    return this.#wantsAcknowledgement;
  }

  /** Begins, or goes on with the same peer on another connection. */
  attach(peer: SessionLimits, identity: Identity | undefined): void {
    this.#identity = identity;
    this.#peerMaxMessageBytes = peer.maxMessageBytes;
    this.outgoing.lanes.forEach((lane, index) => {
      lane.window = peer.windows[index] as number;
    });
    this.outgoing.loseTaken();
    this.incoming.forgetAcknowledged();
  }

  send(type: number, data: Uint8Array): void {
    this.#checkSize(type, data.length);
    this.outgoing.message(type, data);
  }

  request(type: number, data: Uint8Array): number {
    this.#checkSize(type, data.length);
    const id = this.#ids.own.next();
    this.outgoing.request(id, type, data);
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
    this.outgoing.failure(id, this.#sendsFailureData ? failure : { code, message });
  }

  consumed(lane: ConsumedLane, position: number): void {
    this.incoming.lane(lane).consume(position);
  }

  askForAcknowledgement(): void {
    this.#wantsAcknowledgement = this.queuedBytes > 0;
  }

  /** The peer is asked, or need not be. */
  askedForAcknowledgement(): void {
    this.#wantsAcknowledgement = false;
  }

  /** It ends with its connection, as nobody is to come back to it any more. */
  forgetIdentity(): void {
    this.#identity?.resumptionKey.fill(0);
    this.#identity = undefined;
  }

  /** Answers and cancels mean nothing to anyone else and are dropped. */
  abandon(): Leftovers {
    this.forgetIdentity();
    const messages = this.outgoing.messages.drain();
    const requests = this.outgoing.requests.drain();
    this.outgoing.answers.drain();
    return {
      unacknowledged: decodeMessages(messages.sent),
      unsent: decodeMessages(messages.unsent),
      unsentRequests: decodeRequests(requests.unsent),
    };
  }

  #checkSize(type: number, dataBytes: number): void {
    checkMessage(type, dataBytes, this.#maxMessageBytes);
    checkPeerTakes(dataBytes, this.#peerMaxMessageBytes);
  }
}
