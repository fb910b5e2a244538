import { type About, channels } from "./diagnostics.ts";
import type { Established } from "./driver/established.ts";
import type { LostSession } from "./link/lost-session.ts";

/** A connection is open, for a new session or for one that goes on. */
export function publishOpen(about: About, { profile, encrypted, native }: Established): void {
  const isResumed = native?.resumed === true;
  const channel = isResumed ? channels.resumed : channels.open;
  if (channel.hasSubscribers) channel.publish({ ...about, profile, encrypted, peer: native?.peer });
}

export function publishSessionLost(about: About, { messages, streams }: LostSession): void {
  if (!channels.sessionLost.hasSubscribers) return;
  channels.sessionLost.publish({ ...about, messages: messages.length, streams: streams.length });
}
