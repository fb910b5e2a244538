import { PeerError } from "../../errors.ts";
import type { MessageContent } from "../../protocol/message.ts";
import { Message } from "../messages/message.ts";
import type { Stream } from "../streams/stream.ts";

/** What was under way when a session was lost. */
export interface LostSession {
  /** Messages that were sent and that the peer has not acknowledged: they may or may not have arrived. */
  readonly messages: readonly Message[];
  /**
   * Streams that were open, by either end: what had arrived can still be read. Of what this end wrote into them nobody knows
   * how much has arrived.
   */
  readonly streams: readonly Stream[];
}

export function lostSession(contents: readonly MessageContent[], streams: readonly Stream[]): LostSession {
  return { messages: contents.map(({ type, data }) => new Message(type, data)), streams };
}

export function isAnythingLost({ messages, streams }: LostSession): boolean {
  return messages.length > 0 || streams.length > 0;
}

/** Why the server ended this end's session, if it says so in its answer to the attempt to resume. */
export function sessionEnded(code: string | undefined): PeerError | undefined {
  switch (code) {
    case undefined:
      return undefined;
    case "ERR_FELL_BEHIND":
      return new PeerError(
        code,
        "the server had dropped this client and its session, because too much waited that this client did not read",
      );
    default:
      return new PeerError("ERR_SESSION_LOST", `the server had ended the session, with ${code}`);
  }
}
