import { Incoming } from "#dist/protocol/native/lanes/incoming.js";
import { NativeSession, type SessionIds, type SessionLimits } from "#dist/protocol/native/session.js";

/** Takes every id of requests and answers, whether anybody has asked or not. */
const anyIds: SessionIds = {
  own: { next: () => 1, settle: () => true },
  peers: { arrived: () => true, cancelled: () => true, has: () => true, settle: () => {} },
};

/** What an end receives that takes every id, with the smallest windows. */
export function incomingOf(maxMessageBytes: number): Incoming {
  return new Incoming({ maxMessageBytes, windows: [65_536, 65_536, 65_536] }, anyIds);
}

/** A session for frames by themselves: it takes every id. */
export function sessionOfAnyIds(limits: SessionLimits): NativeSession {
  return new NativeSession(limits, anyIds);
}
