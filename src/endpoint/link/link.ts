import type { MessageContent } from "../../protocol/message.ts";
import { NativeSession } from "../../protocol/native/session.ts";
import type { Failure, Leftovers, Session } from "../../protocol/session.ts";
import type { EngineDriver, RequestEvent } from "../driver/engine-driver.ts";
import type { Message, MessageData } from "../messages/message.ts";
import type { RequestOptions } from "../options/options.ts";
import { closedError, type MessageSource } from "../reading/inbox.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { type HandlingOptions, IncomingRequests } from "../requests/incoming-requests.ts";
import { OutgoingRequests, type Resent } from "../requests/outgoing-requests.ts";
import type { Answer, IncomingRequest } from "../requests/request.ts";
import { sessionLost } from "../requests/request-errors.ts";
import type { RequestWire } from "../requests/request-wire.ts";
import { OfflineQueue } from "./offline-queue.ts";
import { WriteGate } from "./write-gate.ts";

export interface LinkOptions<R extends IncomingRequest> extends HandlingOptions<R> {
  readonly quota: ReadQuota;
  readonly maxQueuedBytes: number;
  readonly requestTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Whether what is said without a session waits for the next one. */
  readonly queuesOffline: boolean;
  /** More is kept for a peer that is away. */
  keepsMore(): void;
}

/** What became of what an earlier session had left. */
export interface Carried {
  /** It outlived its connection, and the peer no longer has it. */
  readonly wasResumable: boolean;
  /** Sent and not acknowledged: they may have arrived or not. */
  readonly lostMessages: readonly MessageContent[];
  /** Why messages could not be sent to the peer of now. */
  readonly messageErrors: readonly unknown[];
}

/** While more bytes of answers wait, no further handler is started. */
const congestedBytes = 1_048_576;

/**
 * What an endpoint says to its peer and hears from it, over one connection after another: by the session that the peer
 * knows or, while there is none, by a queue for the next. Whatever becomes of either, each promise that was given settles:
 * that there is room, that all has left, that a request is answered.
 */
export class Link<R extends IncomingRequest> implements RequestWire, MessageSource {
  readonly #options: LinkOptions<R>;
  readonly #gate: WriteGate;
  readonly #asked: OutgoingRequests;
  readonly #handled: IncomingRequests<R>;
  /** The connection of now, if there is one. */
  #driver: EngineDriver | undefined;
  #session: Session | undefined;

  constructor(options: LinkOptions<R>) {
    this.#options = options;
    this.#gate = new WriteGate(options.maxQueuedBytes);
    this.#asked = new OutgoingRequests(this, options.requestTimeoutMs);
    this.#handled = new IncomingRequests(this, options);
  }

  get driver(): EngineDriver | undefined {
    return this.#driver;
  }

  /** The session of now, which messages that arrive belong to. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The same if it is native, with a connection or without. */
  get native(): NativeSession | undefined {
    return this.#session instanceof NativeSession ? this.#session : undefined;
  }

  /** Whether what is said can arrive some time. */
  get canSend(): boolean {
    return this.#session?.isAcknowledged === true || this.isConnected;
  }

  /** Whether what is said leaves now. */
  get isConnected(): boolean {
    return this.#session !== undefined && this.#driver?.canSend === true;
  }

  /** Bytes that are not done with: have not left this process or, natively, are not consumed by the peer. */
  get queuedBytes(): number {
    const session = this.#session;
    if (session === undefined) return 0;
    return session.isAcknowledged ? session.queuedBytes : (this.#driver?.queuedBytes ?? 0);
  }

  get congested(): boolean {
    return (this.#session?.queuedAnswerBytes ?? 0) > congestedBytes;
  }

  /**
   * `undefined` while there is room, else a promise that settles when there is again.
   * @throws PeerError `ERR_QUEUE_FULL`, and as `Session.send`.
   */
  write(type: number, data: Uint8Array): Promise<void> | undefined {
    this.#gate.checkRoom(this.#queuedMessageBytes);
    this.#target.send(type, data);
    this.#said();
    return this.#gate.roomAt(this.#queuedMessageBytes);
  }

  /** Settles once nothing is queued. */
  flush(): Promise<void> {
    this.#session?.askForAcknowledgement();
    this.#driver?.lookSoon();
    return this.#gate.flushAt(this.queuedBytes);
  }

  /** Rejects, and never throws, whatever is wrong. */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    try {
      // By themselves: messages that nobody reads there must not keep us from asking.
      this.#gate.checkRoom(this.#session?.queuedRequestBytes ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#asked.request(type, data, options);
  }

  /** A request has arrived, or what belongs to one. */
  received(event: RequestEvent): void {
    switch (event.kind) {
      case "request":
        this.#handled.received(event);
        return;
      case "answer":
        this.#asked.answered(event);
        return;
      case "failure":
        this.#asked.failed(event);
        return;
      case "cancel":
        this.#handled.cancelled(event);
    }
  }

  /** Some of what was queued has left. */
  progressed(): void {
    this.#gate.progressed(this.#queuedMessageBytes, this.queuedBytes);
    this.#handled.startWaiting();
  }

  /** Goes on by this connection and its session. What became of what an earlier session had left, if that is another. */
  attach(driver: EngineDriver, session: Session): Carried | undefined {
    this.#driver = driver;
    return this.#replace(session);
  }

  /** The connection is gone, and another may go on with its session. */
  detach(): void {
    this.#driver = undefined;
  }

  /** The connection is gone, and its session with it: what is left waits for another. `error`: for what waits for a flush. */
  lose(error: unknown): Carried | undefined {
    this.#driver = undefined;
    // Nobody will say whether what had left has arrived.
    if (this.#session?.isAcknowledged === false) this.#gate.lost(error);
    return this.#session instanceof OfflineQueue ? undefined : this.#replace(undefined);
  }

  /** Nothing more will be said or heard. What was sent and not acknowledged. */
  end(error: unknown): readonly MessageContent[] {
    const leftovers = this.#session?.abandon();
    this.#session = undefined;
    this.#asked.end(error);
    this.#handled.end(error);
    this.#gate.end(error);
    return leftovers?.unacknowledged ?? [];
  }

  // To the inbox: what becomes of messages.

  queued(message: Message): void {
    this.#options.quota.queued(message);
  }

  taken(message: Message, session: Session | undefined, position: number): void {
    this.#options.quota.taken(message);
    session?.consumed("messages", position);
    if (session?.isAcknowledged) this.#driver?.lookSoon();
  }

  passed(session: Session | undefined, position: number): void {
    session?.consumed("messages", position);
    if (session?.isAcknowledged) this.#driver?.lookSoon();
  }

  dropped(message: Message): void {
    this.#options.quota.taken(message);
  }

  // To the requests: how they reach the peer.

  ask(type: number, data: Uint8Array): number {
    const id = this.#target.request(type, data);
    this.#said();
    return id;
  }

  cancel(id: number): void {
    this.#session?.cancel(id);
    this.#driver?.flushSoon();
  }

  answer(id: number, data: Uint8Array): void {
    this.#session?.answer(id, data);
    this.#said();
  }

  fail(id: number, failure: Failure): void {
    this.#session?.fail(id, failure);
    this.#said();
  }

  consumed(position: number): void {
    this.#session?.consumed("requests", position);
    this.#driver?.lookSoon();
  }

  get #queuedMessageBytes(): number {
    const session = this.#session;
    return session?.isAcknowledged ? session.queuedMessageBytes : this.queuedBytes;
  }

  /** @throws CallerError `ERR_CLOSED` */
  get #target(): Session {
    if (this.#options.queuesOffline && !this.canSend) {
      this.#session = new OfflineQueue(this.#options.maxMessageBytes);
    }
    if (this.#session === undefined) throw closedError();
    return this.#session;
  }

  #said(): void {
    if (this.#driver === undefined) this.#options.keepsMore();
    else this.#driver.flushSoon();
  }

  #replace(session: Session | undefined): Carried | undefined {
    const before = this.#session;
    if (before === session) return undefined;
    this.#session = session;
    if (before === undefined) return undefined;
    const wasResumable = before.isResumable;
    return { wasResumable, ...this.#carry(before.abandon()) };
  }

  /** Has the next session send what the one before had not sent, and rejects what that has lost. */
  #carry({ unacknowledged, unsent, unsentRequests }: Leftovers): Omit<Carried, "wasResumable"> {
    const messageErrors: unknown[] = [];
    for (const { type, data } of unsent) {
      try {
        this.#target.send(type, data);
      } catch (error) {
        // The peer of now takes less than the one of then: that message's error is reported, and the others go on.
        messageErrors.push(error);
      }
    }
    const resent = new Map<number, Resent>();
    for (const { id, type, data } of unsentRequests)
      if (this.#asked.has(id)) resent.set(id, this.#resend(type, data));
    // At once, before any listener is called: what that asks belongs to the next session.
    this.#asked.lost(sessionLost(), resent);
    this.#handled.lost(sessionLost());
    if (unacknowledged.length > 0) this.#gate.lost(sessionLost());
    if (this.#session !== undefined) this.#said();
    return { lostMessages: unacknowledged, messageErrors };
  }

  #resend(type: number, data: Uint8Array): Resent {
    try {
      return { id: this.#target.request(type, data) };
    } catch (error) {
      return { error };
    }
  }
}
