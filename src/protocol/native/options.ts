import type { KeepaliveLimits } from "./keepalive.ts";
import type { NativeSession } from "./session.ts";
import type { Windows } from "./wire/lanes.ts";
import type { Offers } from "./wire/offers.ts";

/** What an end tells of the process that it is in. */
export interface NativePeer {
  readonly pid: number;
  /** The library and its version, such as `sealpipe/1.0.0`. */
  readonly library: string;
  /** As the application named itself; empty where it did not. */
  readonly application: string;
  readonly applicationVersion: string;
}

/** A session that two native ends have opened. */
export interface NativeOpened {
  /** Goes on when the connection is lost, where it has an identity. */
  readonly session: NativeSession;
  /** Whether it is the one of an earlier connection. */
  readonly resumed: boolean;
  readonly peer: NativePeer;
}

export interface NativeOptions extends KeepaliveLimits {
  readonly self: NativePeer;
  readonly windows: Windows;
  /** Default none. */
  readonly offers?: Offers | undefined;
  /** Client: the session to go on with, if there was one. */
  readonly session?: NativeSession | undefined;
  /** Whether to have a session that outlives its connection. */
  readonly resumable: boolean;
}
