import type { SealpipeError } from "../../errors.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import { isResumable } from "../client/reconnect.ts";
import {
  type ArrivedMessage,
  type ConnectionHandler,
  deaf,
  type RequestEvent,
} from "../driver/driver-handler.ts";
import type { EngineDriver } from "../driver/engine-driver.ts";
import type { Established } from "../driver/established.ts";
import { type Living, publishClosed, publishLost, tellOpen, tellSessionLost } from "../life-cycle.ts";
import type { Link } from "../link/link.ts";
import { isAnythingLost, type LostSession } from "../link/lost-session.ts";
import type { Message } from "../messages/message.ts";
import { closedError, type Inbox, type MessageSource } from "../reading/inbox.ts";
import type { IncomingRequest } from "../requests/request.ts";

/** What a server does as its connections live; `C` is the connection. */
export interface LifeHost<C extends LivingConnection> {
  /** For messages that are not read from the connection itself. */
  readonly inbox: Inbox<Message>;
  /** The connection is lost, and its client may come back. */
  detached(life: ConnectionLife<C>): void;
  /** The connection is over; without an error, in order. */
  closed(life: ConnectionLife<C>, error?: SealpipeError): void;
  /** The connection's transport is gone, and it waits for its client to come back. */
  parted(life: ConnectionLife<C>): void;
  released(life: ConnectionLife<C>): void;
}

/** A connection, as its life knows it. */
export interface LivingConnection extends Living {
  readonly queuedBytes: number;
  makeMessage(type: number, data: Uint8Array): Message;
}

type ConnectionLink = MessageSource &
  Pick<
    Link<IncomingRequest>,
    | "about"
    | "attach"
    | "detach"
    | "end"
    | "heard"
    | "native"
    | "progressed"
    | "received"
    | "session"
    | "unreadBytes"
  >;

interface Around<C extends LivingConnection> {
  readonly host: LifeHost<C>;
  readonly link: ConnectionLink;
}

/** Its transport may still exist when it is over. */
type State =
  | { readonly kind: "open" }
  /** Its client may come back. `keptBytes` are kept for it besides queued and unread messages. */
  | { readonly kind: "away"; readonly keptBytes: number }
  /** This end has closed it. */
  | { readonly kind: "closing" }
  /** `endedHere`: by a call at this end, also a later one. */
  | { readonly kind: "over"; readonly endedHere: boolean };

/** A server's connection from its client's handshake to its end, on one transport after another. */
export class ConnectionLife<C extends LivingConnection = LivingConnection> implements ConnectionHandler {
  readonly connection: C;
  readonly #host: LifeHost<C>;
  readonly #link: ConnectionLink;
  /** The present one, or the last. */
  #established: Established;
  #state: State = { kind: "open" };
  #claimed = false;
  #referenced = true;
  #released = false;

  constructor(connection: C, established: Established, { host, link }: Around<C>) {
    this.connection = connection;
    this.#established = established;
    this.#host = host;
    this.#link = link;
  }

  get established(): Established {
    return this.#established;
  }

  get session(): NativeSession | undefined {
    return this.#link.native;
  }

  get isOver(): boolean {
    return this.#state.kind === "over";
  }

  /** Whether it was closed or destroyed by a call at this end. */
  get endedHere(): boolean {
    return this.#state.kind === "closing" || (this.#state.kind === "over" && this.#state.endedHere);
  }

  /** Whether its client may resume it: not after a close at this end. */
  get mayBeResumed(): boolean {
    return this.#state.kind === "open" || this.#state.kind === "away";
  }

  /** Whether messages of this connection wait to be read, here or at the server. */
  get hasUnread(): boolean {
    return this.#link.unreadBytes > 0;
  }

  /** Bytes that are kept for the client. */
  get keptBytes(): number {
    const besides = this.#state.kind === "away" ? this.#state.keptBytes : 0;
    const { queuedBytes } = this.connection;
    return queuedBytes + (this.session?.waitingItemBytes ?? 0) + this.#link.unreadBytes + besides;
  }

  /** The client is connected. */
  open(): void {
    this.#link.attach(this.#driver, this.#established.session);
    tellOpen(this.connection, this.#link.about, this.#established);
  }

  /**
   * The client is back: its previous connection, if it still seems to live, must neither send nor receive any more.
   */
  resume(established: Established): void {
    this.#driver.handler = deaf;
    this.#driver.destroy();
    this.#link.detach();
    this.#established = established;
    this.#released = false;
    this.#state = { kind: "open" };
    this.#driver.setReferenced(this.#referenced);
    this.open();
    this.#link.progressed();
  }

  /** The client does not come back. */
  giveUp(error: SealpipeError | undefined): void {
    if (this.#state.kind === "away") this.#fail(error);
  }

  /** The client is dropped for what it does, or does not do. */
  drop(error: SealpipeError): void {
    this.#driver.destroy();
    this.#fail(error);
  }

  /** Ends in order. */
  close(): void {
    const before = this.#state.kind;
    this.#state = before === "over" ? { kind: "over", endedHere: true } : { kind: "closing" };
    if (before !== "over") this.connection.setStatus("closing");
    this.#dropUnread(undefined);
    if (before === "away") {
      this.#fail(undefined);
      return;
    }
    this.#driver.setReferenced(true);
    this.#driver.close();
  }

  /** Ends at once. */
  destroy(error: Error | undefined): void {
    const wasOver = this.isOver;
    this.#state = wasOver ? { kind: "over", endedHere: true } : { kind: "closing" };
    this.#dropUnread(error);
    if (wasOver) return;
    this.#driver.destroy();
    this.#end(error === undefined ? "closed" : "error", error ?? closedError());
    this.#host.closed(this);
    this.#finish();
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    if (!this.endedHere) this.#driver.setReferenced(referenced);
  }

  /** The application reads from the connection itself, and no longer from the server. */
  claim(): void {
    if (this.#claimed) return;
    this.#claimed = true;
    this.#host.inbox.moveTo(this.connection.inbox, this.#link);
  }

  // Called by the driver of the connection that is established now.

  message({ type, data, position }: ArrivedMessage): void {
    this.#link.heard(type, data);
    const { inbox } = this.#claimed ? this.connection : this.#host;
    inbox.deliver(this.connection.makeMessage(type, data), this.#link, position);
  }

  request(event: RequestEvent): void {
    this.#link.received(event);
  }

  progressed(): void {
    this.#link.progressed();
  }

  closed(error?: SealpipeError): void {
    publishLost(this.#link.about, error);
    if (!this.endedHere && isResumable(error) && this.#link.session?.isResumable === true) {
      this.#leave(error);
      return;
    }
    this.connection.inbox.end(error, "keep");
    const orderly = this.connection.status === "closing" ? "closed" : "disconnected";
    this.#end(error === undefined ? orderly : "error", error ?? closedError());
    this.#over(error);
  }

  released(): void {
    this.#released = true;
    if (this.#state.kind === "away") this.#host.parted(this);
    this.#finish();
  }

  get #driver(): EngineDriver {
    return this.#established.driver;
  }

  /** The client is gone, and may come back. */
  #leave(error: SealpipeError | undefined): void {
    this.#link.detach();
    this.#state = { kind: "away", keptBytes: this.session?.keptBytes ?? 0 };
    this.connection.setStatus("reconnecting");
    if (error !== undefined) this.connection.emitSafely("error", error);
    // A listener may have ended the connection.
    if (this.#state.kind === "away") this.#host.detached(this);
  }

  #fail(error: SealpipeError | undefined): void {
    this.connection.inbox.end(error, "keep");
    const lost = this.#end(error === undefined ? "closed" : "error", error ?? closedError());
    if (isAnythingLost(lost)) tellSessionLost(this.connection, this.#link.about, lost);
    this.#over(error);
  }

  #dropUnread(error: Error | undefined): void {
    this.connection.inbox.end(error, "drop");
    this.#host.inbox.drop(this.#link);
  }

  #end(status: "closed" | "disconnected" | "error", reason: Error): LostSession {
    this.#state = { kind: "over", endedHere: this.endedHere };
    const lost = this.#link.end(reason);
    this.connection.setStatus(status);
    publishClosed(this.#link.about, status, status === "error" ? reason : undefined);
    return lost;
  }

  #over(error: SealpipeError | undefined): void {
    if (error !== undefined) this.connection.emitSafely("error", error);
    this.#host.closed(this, error);
    this.#finish();
  }

  #finish(): void {
    if (!this.isOver || !this.#released) return;
    this.connection.tellClosed();
    this.#host.released(this);
  }
}
