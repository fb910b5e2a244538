import { type About, channels } from "./diagnostics.ts";
import type { Established } from "./driver/established.ts";
import type { LostSession } from "./link/lost-session.ts";
import type { Message } from "./messages/message.ts";
import type { Inbox } from "./reading/inbox.ts";
import type { Status } from "./status.ts";

/** An endpoint, as its life knows it. */
export interface Living {
  readonly inbox: Inbox<Message>;
  readonly status: Status;
  setStatus(status: Status): void;
  emitSafely(event: string, ...args: unknown[]): void;
  tellClosed(): void;
}

/** It is connected, for a new session or for one that goes on. */
export function tellOpen(living: Living, about: About, { profile, encrypted, native }: Established): void {
  const channel = native?.resumed === true ? channels.resumed : channels.open;
  if (channel.hasSubscribers) channel.publish({ ...about, profile, encrypted, peer: native?.peer });
  living.setStatus("connected");
}

export function tellSessionLost(living: Living, about: About, lost: LostSession): void {
  const { messages, streams } = lost;
  if (channels.sessionLost.hasSubscribers)
    channels.sessionLost.publish({ ...about, messages: messages.length, streams: streams.length });
  living.emitSafely("session-lost", lost);
}

/** Its connection is lost; without an error, the peer has ended it in order. */
export function publishLost(about: About, error: Error | undefined): void {
  if (channels.lost.hasSubscribers) channels.lost.publish({ ...about, error });
}

export function publishClosed(about: About, status: Status, error: Error | undefined): void {
  if (channels.closed.hasSubscribers) channels.closed.publish({ ...about, status, error });
}
