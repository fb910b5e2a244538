import type { MessageContent } from "../../protocol/message.ts";
import { Message } from "../messages/message.ts";

/** What was under way when the peer forgot a session. */
export interface LostSession {
  /** Messages that were sent and of which the peer has not said that it took them: they may have arrived or not. */
  readonly messages: readonly Message[];
}

export function lostSession(contents: readonly MessageContent[]): LostSession {
  return { messages: contents.map(({ type, data }) => new Message(type, data)) };
}
