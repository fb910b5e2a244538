import type { MessageContent } from "../../protocol/message.ts";
import type { NativeOpened } from "../../protocol/native/options.ts";
import type { UsedIds } from "../../protocol/native/request-ids.ts";
import { type Leftovers, Session, type SessionLimits } from "../../protocol/native/session.ts";
import type { Taken } from "../../protocol/profile.ts";
import type { EngineDriver } from "../driver/engine-driver.ts";
import { closedError, type MessageSource } from "../reading/inbox.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import { peerNotNative } from "../requests/request-errors.ts";
import type { RequestWire } from "../requests/request-wire.ts";
import { ChannelSource, type TakenTeller } from "./channel-source.ts";

/** What became of what an earlier session had left. */
export interface Carried {
  /** Sent and not acknowledged: they may have arrived or not. */
  readonly lostMessages: readonly MessageContent[];
  /** Requests that were not sent before, by their ids: they go on. */
  readonly unsentRequests: ReadonlySet<number>;
  /** Why messages could not be sent to the peer of now. */
  readonly messageErrors: readonly unknown[];
  /** Requests that could not be, by their ids. */
  readonly requestErrors: ReadonlyMap<number, unknown>;
}

const none: UsedIds = new Set();

/** While so many bytes of answers wait, no further handler is started. */
const congestedBytes = 1_048_576;

/**
 * What an endpoint says and hears through: one connection after another and, where both ends are native, the
 * session that goes on over them. While there is no connection, a session takes what is to be sent.
 */
export class Channel implements RequestWire, TakenTeller {
  #driver: EngineDriver | undefined;
  #session: Session | undefined;

  readonly #quota: ReadQuota;
  /** Where what is sent without a connection waits, where it may. */
  readonly #offline: SessionLimits | undefined;
  readonly #answeredOffline: () => void;
  #source: MessageSource;

  /** `answeredOffline` is told of answers that wait for a connection, as nobody else knows of them. */
  constructor(quota: ReadQuota, offline?: SessionLimits, answeredOffline = () => {}) {
    this.#quota = quota;
    this.#offline = offline;
    this.#answeredOffline = answeredOffline;
    this.#source = new ChannelSource(quota, this, undefined);
  }

  /** What the messages that arrive now are delivered with. */
  get source(): MessageSource {
    return this.#source;
  }

  /** The connection of now, if there is one. */
  get driver(): EngineDriver | undefined {
    return this.#driver;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Whether what is sent can arrive some time. */
  get canSend(): boolean {
    return this.#session !== undefined || this.#driver?.canSend === true;
  }

  /** Whether what is sent leaves now. */
  get isConnected(): boolean {
    return this.#driver?.canSend === true;
  }

  /** Bytes that are not done with: have not left this process or, natively, are not taken by the peer. */
  get queuedBytes(): number {
    return this.#session?.queuedBytes ?? this.#driver?.queuedBytes ?? 0;
  }

  /** The same of messages alone, where they can be told from what else is sent. */
  get queuedMessageBytes(): number {
    return this.#session?.outgoing.messages.queuedBytes ?? this.queuedBytes;
  }

  /** The same of requests alone. */
  get queuedRequestBytes(): number {
    return this.#session?.outgoing.requests.queuedBytes ?? 0;
  }

  get congested(): boolean {
    return (this.#session?.outgoing.answers.queuedBytes ?? 0) > congestedBytes;
  }

  /**
   * Goes on by this connection, which takes over what another session has left: of its requests those that `pending`
   * has. Nobody waits for the others any more.
   */
  attach(driver: EngineDriver, native?: NativeOpened, pending: UsedIds = none): Carried | undefined {
    this.#driver = driver;
    return this.#replace(native?.session, pending);
  }

  /** The connection is gone. Another may go on where it was, or what it has left waits for another. */
  detach(as: "resumable" | "over", pending: UsedIds = none): Carried | undefined {
    this.#driver = undefined;
    return as === "over" ? this.#replace(undefined, pending) : undefined;
  }

  /** Nothing more will be sent or heard. What was sent and not acknowledged. */
  abandon(): readonly MessageContent[] {
    const leftovers = this.#session?.abandon();
    this.#session = undefined;
    return leftovers?.unacknowledged ?? [];
  }

  /** @throws CallerError and PeerError as `Engine.send` */
  send(type: number, data: Uint8Array): void {
    const session = this.#whereToSend;
    if (session === undefined) {
      if (this.#driver === undefined) throw closedError();
      this.#driver.send(type, data);
      return;
    }
    session.sendMessage(type, data);
    this.#driver?.flushSoon();
  }

  sendRequest(id: number, type: number, data: Uint8Array): void {
    const session = this.#whereToSend;
    if (session === undefined) throw this.#driver === undefined ? closedError() : peerNotNative();
    session.sendRequest(id, type, data);
    this.#driver?.flushSoon();
  }

  sendAnswer(id: number, data: Uint8Array): void {
    this.#session?.sendAnswer(id, data);
    if (this.#driver === undefined) this.#answeredOffline();
    else this.#driver.flushSoon();
  }

  sendFailure(id: number, code: string, message: string): void {
    this.#session?.sendFailure(id, code, message);
    if (this.#driver === undefined) this.#answeredOffline();
    else this.#driver.flushSoon();
  }

  sendCancel(id: number): void {
    this.#session?.sendCancel(id);
    this.#driver?.flushSoon();
  }

  taken(mark: number): void {
    if (this.#session !== undefined) this.take("requests", mark, this.#session);
  }

  /** Has the peer tell soon what it has taken. */
  askForAcknowledgement(): void {
    this.#driver?.askForAcknowledgement();
  }

  take(what: Taken, mark: number, session: Session): void {
    if (session !== this.#session) return;
    if (this.#driver !== undefined) this.#driver.take(what, mark);
    else session.incoming.take(what, mark);
  }

  /** `undefined` for a classic connection. */
  get #whereToSend(): Session | undefined {
    if (this.#offline !== undefined && !this.canSend) this.#session = new Session(this.#offline);
    return this.#session;
  }

  #replace(session: Session | undefined, pending: UsedIds): Carried | undefined {
    const before = this.#session;
    if (before !== undefined && before === session) return undefined;
    this.#session = session;
    this.#source = new ChannelSource(this.#quota, this, session);
    return before && this.#carry(before.abandon(), pending);
  }

  #carry({ unacknowledged, unsent, unsentRequests }: Leftovers, pending: UsedIds): Carried {
    const wanted = unsentRequests.filter(({ id }) => pending.has(id));
    const messageErrors: unknown[] = [];
    for (const { type, data } of unsent) {
      try {
        this.send(type, data);
      } catch (error) {
        // The peer of now takes less than the one of then: that message is told, the others go on.
        messageErrors.push(error);
      }
    }
    const requestErrors = new Map<number, unknown>();
    for (const { id, type, data } of wanted) {
      try {
        this.sendRequest(id, type, data);
      } catch (error) {
        requestErrors.set(id, error);
      }
    }
    return {
      messageErrors,
      requestErrors,
      lostMessages: unacknowledged,
      unsentRequests: new Set(wanted.map(({ id }) => id)),
    };
  }
}
