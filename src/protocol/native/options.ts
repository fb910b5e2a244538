import type { KeepaliveLimits } from "./keepalive.ts";
import type { NativeSession } from "./session.ts";
import type { Windows } from "./wire/lanes.ts";
import type { ContractIdentity, Offers } from "./wire/offers.ts";

/** What an end knows about its peer, from the peer's hello. */
export interface NativePeer {
  readonly pid: number;
  /** The library and its version, such as `sealpipe/1.0.0`. */
  readonly library: string;
  /** The application's own name; empty if it did not give one. */
  readonly application: string;
  readonly applicationVersion: string;
  /** The name of its application's encoding; empty if it did not give one. */
  readonly codec: string;
  /** The contracts that it speaks. */
  readonly contracts: readonly ContractIdentity[];
}

/** What an end declares about its process. The rest is what it offers. */
export type NativeSelf = Omit<NativePeer, "codec" | "contracts">;

/** A session that two native ends have opened. */
export interface NativeOpened {
  /** If it has an identity, it goes on when the connection is lost. */
  readonly session: NativeSession;
  /** Whether the session is that of an earlier connection. */
  readonly resumed: boolean;
  /**
   * Client: the code of why the server had ended the session that this end wanted to resume, if the server sent one.
   */
  readonly sessionEnded?: string | undefined;
  readonly peer: NativePeer;
}

/** A server's answer to a client that wants to resume a session: the session, or why it has ended, if known. */
export type SessionAnswer = NativeSession | { readonly ended: string } | undefined;

export interface NativeOptions extends KeepaliveLimits {
  readonly self: NativeSelf;
  readonly windows: Windows;
  /** Default: none. */
  readonly offers?: Offers | undefined;
  /** Client: the session to resume, if there was one. */
  readonly session?: NativeSession | undefined;
  /** Whether the session should outlive its connection. */
  readonly resumable: boolean;
}
