import { featureBits, noOffers } from "#dist/protocol/native/wire/offers.js";
import type { SessionStreams } from "#dist/protocol/session.js";
import { streamText } from "./engine-probe.ts";
import { ResumablePair, type ResumablePairOptions, type Role } from "./resumable-pair.ts";

export const streamOffers = {
  ...noOffers,
  features: featureBits.streams,
  maxConcurrentStreams: 2,
  streamWindow: 65_536,
};

/** Two ends that have streams, and what each has heard of them as lines. */
export class StreamPair extends ResumablePair {
  constructor(options: ResumablePairOptions = {}) {
    super({ native: { offers: streamOffers }, ...options });
    this.run();
  }

  streams(role: Role): SessionStreams {
    const { session } = this[role];
    if (session === undefined) throw new Error(`the ${role} has no session`);
    return session.streams;
  }

  /** What has arrived there since the last call. */
  heard(role: Role): string[] {
    this.run();
    return this[role].streamed.splice(0).map(streamText);
  }
}
