import type { Session } from "../../protocol/native/session.ts";
import type { Taken } from "../../protocol/profile.ts";
import type { Message } from "../messages/message.ts";
import type { MessageSource } from "../reading/inbox.ts";
import type { ReadQuota } from "../reading/read-quota.ts";

/** Who tells the peer what was taken. */
export interface TakenTeller {
  take(what: Taken, mark: number, session: Session): void;
}

/**
 * The messages of one session, or of one classic connection, on their way through an inbox. They may be there
 * longer than the session lasts, so each is counted for the one that it came by.
 */
export class ChannelSource implements MessageSource {
  readonly #quota: ReadQuota;
  readonly #teller: TakenTeller;
  readonly #session: Session | undefined;

  constructor(quota: ReadQuota, teller: TakenTeller, session: Session | undefined) {
    this.#quota = quota;
    this.#teller = teller;
    this.#session = session;
  }

  queued(message: Message): void {
    this.#quota.queued(message);
  }

  taken(message: Message, mark: number): void {
    this.#quota.taken(message);
    this.passed(mark);
  }

  dropped(message: Message): void {
    this.#quota.taken(message);
  }

  passed(mark: number): void {
    if (this.#session !== undefined) this.#teller.take("messages", mark, this.#session);
  }
}
