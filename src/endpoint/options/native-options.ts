import type { NativeOptions, NativePeer, NativeSelf } from "../../protocol/native/options.ts";
import { maxWindow, minWindow, type Windows } from "../../protocol/native/wire/lanes.ts";
import { type ContractIdentity, featureBits, noOffers } from "../../protocol/native/wire/offers.ts";
import type { ParsedClientOptions, ParsedServerOptions } from "./parse-options.ts";

export type { ContractIdentity, NativePeer as PeerInfo };

/** What every end declares about the library that it uses. */
const library = "sealpipe/0.1.0";

const features = featureBits.streams | featureBits.context | featureBits["failure-data"] | featureBits.admin;

/** The engine's options for the native profile, or `undefined` if it must not speak it. */
export function nativeOptions(
  options: ParsedClientOptions | ParsedServerOptions,
  going: Pick<NativeOptions, "resumable" | "session">,
): NativeOptions | undefined {
  if (options.profile === "classic") return undefined;
  const { keepaliveIntervalMs, keepaliveTimeoutMs, maxQueuedBytes, codec, contracts } = options;
  return {
    ...going,
    self: selfOf(options),
    windows: windowsOf(maxQueuedBytes),
    offers: {
      ...noOffers,
      features,
      codec,
      contracts,
      streamLaneWindow: clamp(maxQueuedBytes / 4),
      maxConcurrentStreams: options.maxConcurrentStreams,
      streamWindow: options.streamWindowBytes,
    },
    keepaliveIntervalMs: keepaliveIntervalMs === 0 ? Number.POSITIVE_INFINITY : keepaliveIntervalMs,
    keepaliveTimeoutMs,
  };
}

/** What an end with these options declares about its process. */
export function selfOf({
  application,
  applicationVersion,
}: {
  application: string;
  applicationVersion: string;
}): NativeSelf {
  return { pid: process.pid, library, application, applicationVersion };
}

/**
 * The windows of an end that may keep `maxQueuedBytes` that its application has not read. Positions count 64 bytes
 * for each frame besides its own; a waiting message costs up to four times that count, and a request with its handler
 * more. Answers are consumed as they arrive, and need only a window that keeps the wire busy.
 */
export function windowsOf(maxQueuedBytes: number): Windows {
  return [clamp(maxQueuedBytes / 4), clamp(maxQueuedBytes / 8), clamp(maxQueuedBytes / 4)];
}

function clamp(bytes: number): number {
  return Math.min(maxWindow, Math.max(minWindow, Math.floor(bytes)));
}

/** For people: the process, and the program, if it names itself. */
export function peerText(peer: NativePeer | undefined): string | undefined {
  if (peer === undefined) return undefined;
  return ["pid", peer.pid, peer.application, peer.applicationVersion].filter((part) => part !== "").join(" ");
}
