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

/** Those of an endpoint's options that its links use. Each of a server's connections holds a copy, so they are not all options. */
export function linkLimits(options: LinkLimits): LinkLimits {
  return {
    maxQueuedBytes: options.maxQueuedBytes,
    maxMessageBytes: options.maxMessageBytes,
    requestTimeoutMs: options.requestTimeoutMs,
    maxConcurrentRequests: options.maxConcurrentRequests,
    maxConcurrentStreams: options.maxConcurrentStreams,
    exposeStacks: options.exposeStacks,
  };
}
