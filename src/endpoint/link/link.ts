import type { Channel } from "node:diagnostics_channel";
import { NativeSession } from "../../protocol/native/session.ts";
import type { Failure, Leftovers, Session, SessionStreams, TraceContext } from "../../protocol/session.ts";
import { type About, aboutNobody, channels, dataChannel } from "../diagnostics.ts";
import type { RequestEvent } from "../driver/driver-handler.ts";
import type { EngineDriver } from "../driver/engine-driver.ts";
import type { Message, MessageData } from "../messages/message.ts";
import type { OpenStreamOptions, ReadOptions, RequestOptions } from "../options/call-options.ts";
import { closedError, type MessageSource } from "../reading/inbox.ts";
import { IncomingRequests } from "../requests/incoming-requests.ts";
import { OutgoingRequests } from "../requests/outgoing-requests.ts";
import type { Answer, IncomingRequest } from "../requests/request.ts";
import { sessionLost } from "../requests/request-errors.ts";
import type { RequestWire } from "../requests/request-wire.ts";
import type { EndpointStats } from "../stats.ts";
import type { Stream } from "../streams/stream.ts";
import { Streams } from "../streams/streams.ts";
import type { LinkOptions } from "./link-options.ts";
import { type LostSession, lostSession } from "./lost-session.ts";
import { OfflineQueue } from "./offline-queue.ts";
import { WriteGate } from "./write-gate.ts";

/** What happened to the leftovers of an earlier session. */
export interface Carried {
  /** The session outlived its connection, and the peer no longer has it. */
  readonly wasResumable: boolean;
  readonly lost: LostSession;
  /** Why messages could not be sent to the present peer. */
  readonly messageErrors: readonly unknown[];
}

/** While more bytes of answers wait, no further handler is started. */
const congestedBytes = 1_048_576;

/**
 * Everything that an endpoint sends to its peer and receives from it, over one connection after another: through the
 * session that both have or, while there is none, through a queue for the next. Whatever happens to either, every
 * promise settles: for room, for a flush, for the answer to a request.
 */
export class Link<R extends IncomingRequest, S extends Stream = Stream>
  implements RequestWire, MessageSource
{
  readonly #options: LinkOptions<R, S>;
  /** Whose it is, for diagnostics. */
  readonly about: About;
  readonly #gate: WriteGate;
  readonly #asked: OutgoingRequests;
  readonly #handled: IncomingRequests<R>;
  /** Made for the first stream: most connections have none. */
  #madeStreams: Streams<S> | undefined;
  /** The present connection, if there is one. */
  #driver: EngineDriver | undefined;
  #session: Session | undefined;
  readonly #sent = { messages: 0, bytes: 0 };
  readonly #received = { messages: 0, bytes: 0 };
  readonly #counts = { droppedMessages: 0, lostMessages: 0, reconnects: 0, resumes: 0 };
  #hasBeenAttached = false;

  constructor(options: LinkOptions<R, S>) {
    this.#options = options;
    this.about = options.about ?? aboutNobody;
    this.#gate = new WriteGate(options.maxQueuedBytes, this.about);
    this.#asked = new OutgoingRequests(this, options.requestTimeoutMs, this.about);
    this.#handled = new IncomingRequests(this, options);
  }

  get driver(): EngineDriver | undefined {
    return this.#driver;
  }

  /** The present session, to which messages that arrive belong. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The present session if it is native, with or without a connection. */
  get native(): NativeSession | undefined {
    return this.#session instanceof NativeSession ? this.#session : undefined;
  }

  /** Whether what is sent now can arrive at some time. */
  get canSend(): boolean {
    return this.#session?.isAcknowledged === true || this.isConnected;
  }

  /** Whether what is sent leaves now. */
  get isConnected(): boolean {
    return this.#session !== undefined && this.#driver?.canSend === true;
  }

  /** Bytes that have not left this process or, natively, are not consumed by the peer. */
  get queuedBytes(): number {
    const session = this.#session;
    if (session === undefined) return 0;
    return session.isAcknowledged ? session.queuedBytes : (this.#driver?.queuedBytes ?? 0);
  }

  /** Of messages that have arrived and that the application has not read. */
  get unreadBytes(): number {
    return this.#options.quota.bytes;
  }

  get stats(): EndpointStats {
    return {
      sent: { ...this.#sent },
      received: { ...this.#received },
      ...this.#counts,
      asked: this.#asked.stats,
      handled: this.#handled.stats,
      queuedBytes: this.queuedBytes,
      unreadBytes: this.unreadBytes,
      roundTripMs: this.native?.roundTripMs,
    };
  }

  get congested(): boolean {
    return (this.#session?.queuedAnswerBytes ?? 0) > congestedBytes;
  }

  /**
   * Returns `undefined` while there is room, else a promise that settles when there is room again.
   * @throws PeerError `ERR_QUEUE_FULL`, and as `Session.send`.
   */
  write(type: number, data: Uint8Array): Promise<void> | undefined {
    this.#gate.checkRoom(this.#queuedMessageBytes);
    this.#target.send(type, data);
    this.#sent.messages += 1;
    this.#sent.bytes += data.length;
    if (channels.messageSent.hasSubscribers) this.#publish(channels.messageSent, type, data);
    this.said();
    return this.#gate.roomAt(this.#queuedMessageBytes);
  }

  /** A message will not be sent. */
  dropping(): void {
    this.#counts.droppedMessages += 1;
  }

  /** A message has arrived. */
  heard(type: number, data: Uint8Array): void {
    this.#received.messages += 1;
    this.#received.bytes += data.length;
    if (channels.messageReceived.hasSubscribers) this.#publish(channels.messageReceived, type, data);
  }

  /** Settles once nothing is queued. */
  flush(): Promise<void> {
    this.#session?.askForAcknowledgement();
    this.#driver?.lookSoon();
    return this.#gate.flushAt(this.queuedBytes);
  }

  /** Rejects on any error, and never throws. */
  request(type: number, data: MessageData, options?: RequestOptions): Promise<Answer> {
    try {
      // Requests are counted separately: messages that the peer does not read must not block requests.
      this.#gate.checkRoom(this.#session?.queuedRequestBytes ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#asked.request(type, data, options);
  }

  /** The same, to the server's library itself. */
  admin(operation: number, data: Uint8Array, options?: ReadOptions): Promise<Answer> {
    return this.#asked.admin(operation, data, options);
  }

  /** Rejects, and never throws, whatever is wrong. */
  openStream(type: number, data: MessageData, options?: OpenStreamOptions): Promise<S> {
    return this.#streams.open(type, data, options);
  }

  /** A request, an answer, a failure, a cancel or something of a stream has arrived. */
  received(event: RequestEvent): void {
    switch (event.kind) {
      case "request":
        this.#handled.received(event);
        return;
      case "admin-request":
        this.#handled.received({ ...event, type: event.operation, isAdmin: true });
        return;
      case "answer":
        this.#asked.answered(event);
        return;
      case "failure":
        this.#asked.failed(event);
        return;
      case "cancel":
        this.#handled.cancelled(event);
        return;
      default:
        this.#streams.received(event);
    }
  }

  /** Some of what was queued has left. */
  progressed(): void {
    this.#gate.progressed(this.#queuedMessageBytes, this.queuedBytes);
    this.#madeStreams?.progressed();
    this.#handled.startWaiting();
  }

  /**
   * Goes on with this connection and its session. If the earlier session was another one, returns what happened to
   * its leftovers; `ended` says why it ended, if that is known.
   */
  attach(driver: EngineDriver, session: Session, ended?: Error): Carried | undefined {
    this.#driver = driver;
    if (this.#hasBeenAttached) this.#counts.reconnects += 1;
    if (this.#hasBeenAttached && this.#session === session) this.#counts.resumes += 1;
    this.#hasBeenAttached = true;
    const carried = this.#replace(session, ended);
    this.#madeStreams?.openWaiting();
    return carried;
  }

  /** The connection is gone, and another may resume its session. */
  detach(): void {
    this.#driver = undefined;
  }

  /** The connection and its session are gone: leftovers wait for another. Pending flushes reject with `error`. */
  lose(error: unknown): Carried | undefined {
    this.#driver = undefined;
    // Nothing will show whether what had left has arrived.
    if (this.#session?.isAcknowledged === false) this.#gate.lost(error);
    return this.#session instanceof OfflineQueue ? undefined : this.#replace(undefined);
  }

  /** Nothing more will be sent or received. */
  end(error: unknown): LostSession {
    const leftovers = this.#session?.abandon();
    this.#session = undefined;
    this.#asked.end(error);
    this.#handled.end(error);
    const streams = this.#madeStreams?.end(error);
    this.#gate.end(error);
    this.#counts.droppedMessages += leftovers?.unsent.length ?? 0;
    this.#counts.lostMessages += leftovers?.unacknowledged.length ?? 0;
    return lostSession(leftovers?.unacknowledged ?? [], streams ?? []);
  }

  // Called by the inbox: what happens to messages.

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

  // Called by the requests: how they reach the peer.

  ask(type: number, data: Uint8Array, context?: TraceContext): number {
    const id = this.#target.request(type, data, context);
    this.said();
    return id;
  }

  askAdmin(operation: number, data: Uint8Array): number {
    const id = this.#target.admin(operation, data);
    this.said();
    return id;
  }

  cancel(id: number): void {
    this.#session?.cancel(id);
    this.#driver?.flushSoon();
  }

  answer(id: number, data: Uint8Array): void {
    this.#session?.answer(id, data);
    this.said();
  }

  fail(id: number, failure: Failure): void {
    this.#session?.fail(id, failure);
    this.said();
  }

  // To the streams: how they reach the peer.

  get streams(): SessionStreams | undefined {
    const session = this.#session;
    const isThere = session !== undefined && !(session instanceof OfflineQueue) && this.canSend;
    return isThere ? session.streams : undefined;
  }

  said(): void {
    if (this.#driver === undefined) this.#options.keepsMore();
    else this.#driver.flushSoon();
  }

  consumed(position: number): void {
    this.#session?.consumed("requests", position);
    this.#driver?.lookSoon();
  }

  #publish(channel: Channel, type: number, data: Uint8Array): void {
    const { side, endpoint } = this.about;
    const event = { side, endpoint, type, bytes: data.length };
    channel.publish(event);
    if (!dataChannel.hasSubscribers) return;
    dataChannel.publish({ of: event, kind: "message", isSent: channel === channels.messageSent, data });
  }

  get #streams(): Streams<S> {
    this.#madeStreams ??= new Streams<S>(this, this.#options);
    return this.#madeStreams;
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

  #replace(session: Session | undefined, ended?: Error): Carried | undefined {
    const before = this.#session;
    if (before === session) return undefined;
    this.#session = session;
    if (before === undefined) return undefined;
    const wasResumable = before.isResumable;
    return { wasResumable, ...this.#carry(before.abandon(), ended) };
  }

  /** Sends through the next session what the previous one had not sent, and rejects what that one has lost. */
  #carry(
    { unacknowledged, unsent, unsentRequests }: Leftovers,
    ended?: Error,
  ): Omit<Carried, "wasResumable"> {
    const messageErrors: unknown[] = [];
    for (const { type, data } of unsent) {
      try {
        this.#target.send(type, data);
      } catch (error) {
        // The present peer accepts less than the earlier one: this message's error is reported, and the others go on.
        messageErrors.push(error);
        this.#counts.droppedMessages += 1;
      }
    }
    // At once, before any listener is called: requests that a listener makes belong to the next session.
    this.#asked.lost(sessionLost(ended), unsentRequests);
    this.#handled.lost(sessionLost());
    const streams = this.#madeStreams?.lost(sessionLost(ended));
    this.#counts.lostMessages += unacknowledged.length;
    if (unacknowledged.length > 0) this.#gate.lost(sessionLost(ended));
    if (this.#session !== undefined) this.said();
    return { lost: lostSession(unacknowledged, streams ?? []), messageErrors };
  }
}
