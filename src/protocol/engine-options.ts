import type { SealpipeError } from "../errors.ts";
import type { CryptoProvider } from "./crypto-provider.ts";
import type { ProfileChoice } from "./handshake/options.ts";
import type { EngineLimits } from "./limits.ts";
import type { NativeOpened, NativeOptions } from "./native/options.ts";
import type { Profile, ProfileEvent } from "./profile.ts";
import type { Session } from "./session.ts";

/** The time, in milliseconds from any fixed point; it never goes back. */
export interface Clock {
  now(): number;
}

export interface EngineOptions {
  readonly role: "client" | "server";
  /** Server: whether it encrypts. Client: whether it insists; one that does not follows the server. */
  readonly encryption: boolean;
  /** Default `auto` if there are options for native, else `classic`. */
  readonly profile?: ProfileChoice | undefined;
  readonly secret?: Uint8Array | undefined;
  readonly limits: EngineLimits;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  /** What is needed to speak the native profile. Without it the classic one is spoken. */
  readonly native?: NativeOptions | undefined;
  /** Whether each costly step of the handshake waits until it is allowed. Without it none does. */
  readonly waitsForTurns?: boolean | undefined;
}

export type EngineEvent =
  | {
      readonly kind: "open";
      readonly profile: Profile["name"];
      readonly encrypted: boolean;
      /** What is said to the peer from now on. */
      readonly session: Session;
      readonly native?: NativeOpened | undefined;
    }
  /** A client asks to go on with the session of that id. The engine's `resume` answers, before it is asked for anything else. */
  | { readonly kind: "resume"; readonly sessionId: Uint8Array }
  | Exclude<ProfileEvent, { kind: "peer-closed" }>
  /** The last event. Without an error the end was orderly. */
  | { readonly kind: "closed"; readonly error?: SealpipeError };
