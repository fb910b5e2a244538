import type { About } from "../diagnostics.ts";
import type { ReadQuota } from "../reading/read-quota.ts";
import type { HandlingOptions } from "../requests/incoming-requests.ts";
import type { IncomingRequest } from "../requests/request.ts";
import type { Stream } from "../streams/stream.ts";
import type { StreamsOptions } from "../streams/streams.ts";

export interface LinkOptions<R extends IncomingRequest, S extends Stream>
  extends HandlingOptions<R>,
    StreamsOptions<S> {
  /** Whose it is, for diagnostics. */
  readonly about?: About;
  readonly quota: ReadQuota;
  readonly maxQueuedBytes: number;
  readonly requestTimeoutMs: number;
  readonly maxMessageBytes: number;
  /** Whether what is sent without a session waits for the next one. */
  readonly queuesOffline: boolean;
  /** More bytes are kept for a peer without a connection. */
  keepsMore(): void;
}

type LinkLimits = Pick<
  LinkOptions<IncomingRequest, Stream>,
  | "maxQueuedBytes"
  | "maxMessageBytes"
  | "requestTimeoutMs"
  | "maxConcurrentRequests"
  | "maxConcurrentStreams"
  | "exposeStacks"
>;

/** Of an endpoint's options those of its links: each of a server's connections holds them. */
export function linkLimits({
  maxQueuedBytes,
  maxMessageBytes,
  requestTimeoutMs,
  maxConcurrentRequests,
  maxConcurrentStreams,
  exposeStacks,
}: LinkLimits): LinkLimits {
  return {
    maxQueuedBytes,
    maxMessageBytes,
    requestTimeoutMs,
    maxConcurrentRequests,
    maxConcurrentStreams,
    exposeStacks,
  };
}
