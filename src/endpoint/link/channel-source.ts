import type { Conversation } from "../../protocol/native/conversation.ts";
import type { Taken } from "../../protocol/profile.ts";
import type { Message } from "../messages/message.ts";
import type { MessageSource } from "../reading/inbox.ts";
import type { ReadQuota } from "../reading/read-quota.ts";

/** Who tells the peer what was taken. */
export interface TakenTeller {
  take(what: Taken, mark: number, conversation: Conversation): void;
}

/**
 * The messages of one conversation, or of one classic connection, on their way through an inbox. They may be there
 * longer than the conversation lasts, so each is counted for the one that it came by.
 */
export class ChannelSource implements MessageSource {
  readonly #quota: ReadQuota;
  readonly #teller: TakenTeller;
  readonly #conversation: Conversation | undefined;

  constructor(quota: ReadQuota, teller: TakenTeller, conversation: Conversation | undefined) {
    this.#quota = quota;
    this.#teller = teller;
    this.#conversation = conversation;
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
    if (this.#conversation !== undefined) this.#teller.take("messages", mark, this.#conversation);
  }
}
