import type { NativeOptions, NativePeer } from "../../protocol/native/options.ts";
import { maxWindow, minWindow, type Windows } from "../../protocol/native/wire/lanes.ts";
import { featureBits, noOffers, type Offers } from "../../protocol/native/wire/offers.ts";
import type { ParsedClientOptions, ParsedServerOptions } from "./options.ts";

export type { NativePeer as PeerInfo };

/** What every end says of the library that it uses. */
const library = "sealpipe/0.1.0";

const offers: Offers = { ...noOffers, features: featureBits["failure-data"] };

/** What an engine needs to speak the native profile, or `undefined` if it is not to. */
export function nativeOptions(
  options: ParsedClientOptions | ParsedServerOptions,
  going: Pick<NativeOptions, "resumable" | "session">,
): NativeOptions | undefined {
  if (options.profile === "classic") return undefined;
  const { keepaliveIntervalMs, keepaliveTimeoutMs, maxQueuedBytes } = options;
  return {
    ...going,
    self: selfOf(options),
    windows: windowsOf(maxQueuedBytes),
    offers,
    keepaliveIntervalMs: keepaliveIntervalMs === 0 ? Number.POSITIVE_INFINITY : keepaliveIntervalMs,
    keepaliveTimeoutMs,
  };
}

function selfOf({
  application,
  applicationVersion,
}: {
  application: string;
  applicationVersion: string;
}): NativePeer {
  return { pid: process.pid, library, application, applicationVersion };
}

/**
 * The windows of an end that may hold `maxQueuedBytes` of what its application does not read. Positions count 64 bytes for
 * a frame besides its own; what waits to be read costs up to four times that, and a request with its handler more. Answers
 * are taken as they arrive, and need no more than keeps the wire busy.
 */
export function windowsOf(maxQueuedBytes: number): Windows {
  return [clamp(maxQueuedBytes / 4), clamp(maxQueuedBytes / 8), clamp(maxQueuedBytes / 4)];
}

function clamp(bytes: number): number {
  return Math.min(maxWindow, Math.max(minWindow, Math.floor(bytes)));
}

/** For people: the process, and the program if it tells of one. */
export function peerText(peer: NativePeer | undefined): string | undefined {
  if (peer === undefined) return undefined;
  return ["pid", peer.pid, peer.application, peer.applicationVersion].filter((part) => part !== "").join(" ");
}
