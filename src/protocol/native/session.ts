import { checkMessage, checkPeerTakes, type MessageContent } from "../message.ts";
import { Incoming } from "./incoming.ts";
import type { Windows } from "./lanes.ts";
import { decodeMessages, decodeRequests, type RequestContent } from "./leftovers.ts";
import { Outgoing } from "./outgoing.ts";

/** What an end tells the other of what it takes. */
export interface SessionLimits {
  readonly maxMessageBytes: number;
  /** What it takes in each lane before it acknowledges. */
  readonly windows: Windows;
}

/** By what a peer that comes back is known. The key is the session's own: it wipes it. */
export interface Identity {
  readonly id: Uint8Array;
  readonly resumptionKey: Uint8Array;
}

/** What was under way when a session was lost. */
export interface Leftovers {
  /** Sent, in part at least, and not acknowledged: they may have arrived or not. */
  readonly unacknowledged: readonly MessageContent[];
  /** Not sent at all. */
  readonly unsent: readonly MessageContent[];
  readonly unsentRequests: readonly RequestContent[];
}

/**
 * What two native ends have said to each other and not settled yet: it outlives the connection, so that another one can
 * go on where it broke. Sends may come at any time, with a connection or without.
 *
 * Source: spec/protocol.md, "Lanes" and "Resume".
 */
export class Session {
  readonly incoming: Incoming;
  readonly outgoing = new Outgoing();
  readonly #maxMessageBytes: number;
  #peerMaxMessageBytes: number;
  #identity: Identity | undefined;

  constructor({ maxMessageBytes, windows }: SessionLimits) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#peerMaxMessageBytes = maxMessageBytes;
    this.incoming = new Incoming(maxMessageBytes, windows);
  }

  /** Absent where the session ends with its connection. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** The weight of what waits to be sent, or is sent and not acknowledged. */
  get queuedBytes(): number {
    return this.outgoing.queuedBytes;
  }

  /** What is kept besides that, in both directions. It does not grow while there is no connection. */
  get keptBytes(): number {
    return this.outgoing.keptBytes + this.incoming.keptBytes;
  }

  /** The weight of all that was sent and acknowledged, or received and taken, so far. */
  get settledBytes(): number {
    return this.outgoing.acknowledgedBytes + this.incoming.takenBytes;
  }

  /** Begins, or goes on with the same peer on another connection. */
  attach(peer: SessionLimits, identity: Identity | undefined): void {
    this.#identity = identity;
    this.#peerMaxMessageBytes = peer.maxMessageBytes;
    this.outgoing.lanes.forEach((lane, index) => {
      lane.window = peer.windows[index] as number;
    });
    this.outgoing.loseTaken();
    this.incoming.forgetTold();
  }

  /**
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_MESSAGE_TOO_LARGE`
   * @throws PeerError `ERR_TOO_LARGE_FOR_PEER`
   */
  sendMessage(type: number, data: Uint8Array): void {
    this.#checkSize(type, data.length);
    this.outgoing.message(type, data);
  }

  /** @throws CallerError and PeerError as {@link sendMessage} */
  sendRequest(id: number, type: number, data: Uint8Array): void {
    this.#checkSize(type, data.length);
    this.outgoing.request(id, type, data);
  }

  /** @throws CallerError `ERR_MESSAGE_TOO_LARGE`, PeerError `ERR_TOO_LARGE_FOR_PEER` */
  sendAnswer(id: number, data: Uint8Array): void {
    this.#checkSize(1, data.length);
    this.outgoing.answer(id, data);
  }

  /** A failed answer. Of the message no more is sent than fits into a frame. */
  sendFailure(id: number, code: string, message: string): void {
    this.outgoing.failure(id, code, message);
  }

  sendCancel(id: number): void {
    this.outgoing.cancel(id);
  }

  /** It ends with its connection, as nobody is to come back to it any more. */
  forgetIdentity(): void {
    this.#identity?.resumptionKey.fill(0);
    this.#identity = undefined;
  }

  /** Gives it up. Answers and cancels mean nothing to anyone else and are dropped. */
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
