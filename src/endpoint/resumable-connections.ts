import type { Conversation } from "../protocol/native/conversation.ts";
import type { ConversationStore } from "../protocol/native/hello-exchange.ts";
import { connectionLost } from "../protocol/session-errors.ts";
import type { Connection } from "./connection.ts";

export interface ResumeLimits {
  readonly resumeWindowMs: number;
  readonly maxDetachedSessions: number;
  readonly maxDetachedBytes: number;
}

/** The connections of a server whose clients may come back, while they are there and when they are gone. */
export class ResumableConnections implements ConversationStore {
  readonly #limits: ResumeLimits;
  readonly #byId = new Map<string, Connection>();
  readonly #keys = new Map<Connection, string>();
  /** Those whose clients are gone, with the timers that end the wait, in the order in which they were lost. */
  readonly #detached = new Map<Connection, NodeJS.Timeout>();

  constructor(limits: ResumeLimits) {
    this.#limits = limits;
  }

  /** Those whose clients are gone. */
  get detached(): Iterable<Connection> {
    return this.#detached.keys();
  }

  find(id: Uint8Array): Conversation | undefined {
    const connection = this.#byId.get(keyOf(id));
    return connection?.mayBeResumed ? connection.conversation : undefined;
  }

  claim(conversation: Conversation): void {
    const connection = this.of(conversation);
    if (connection === undefined) return;
    this.#forgetDetached(connection);
    connection.dropTransport();
  }

  of(conversation: Conversation): Connection | undefined {
    return conversation.identity && this.#byId.get(keyOf(conversation.identity.id));
  }

  opened(connection: Connection): void {
    const identity = connection.conversation?.identity;
    if (identity === undefined) return;
    const key = keyOf(identity.id);
    this.#byId.set(key, connection);
    this.#keys.set(connection, key);
  }

  /** Its client is gone, and is waited for. */
  lost(connection: Connection): void {
    const { resumeWindowMs } = this.#limits;
    const timer = setTimeout(() => connection.giveUp(notBack(resumeWindowMs)), resumeWindowMs);
    timer.unref();
    this.#detached.set(connection, timer);
    this.enforce();
  }

  /** Lets those that were lost first go, until what is kept is within the limits. */
  enforce(): void {
    const { maxDetachedSessions, maxDetachedBytes } = this.#limits;
    let bytes = 0;
    for (const { keptBytes } of this.#detached.keys()) bytes += keptBytes;
    for (const connection of this.#detached.keys()) {
      if (this.#detached.size <= maxDetachedSessions && bytes <= maxDetachedBytes) return;
      bytes -= connection.keptBytes;
      connection.giveUp(
        connectionLost("and its session, one of too many without a client, was given up", undefined),
      );
    }
  }

  /** It is over. */
  closed(connection: Connection): void {
    this.#forgetDetached(connection);
    const key = this.#keys.get(connection);
    if (key !== undefined) this.#byId.delete(key);
    this.#keys.delete(connection);
  }

  #forgetDetached(connection: Connection): void {
    clearTimeout(this.#detached.get(connection));
    this.#detached.delete(connection);
  }
}

function keyOf(id: Uint8Array): string {
  return id.toString();
}

function notBack(resumeWindowMs: number): Error & ReturnType<typeof connectionLost> {
  return connectionLost(`and the client did not come back within ${resumeWindowMs} ms`, undefined);
}
