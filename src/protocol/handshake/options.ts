import type { CryptoProvider } from "../crypto-provider.ts";

/** The profiles that an end speaks: `auto` is native if the peer speaks it, too, and otherwise classic. */
export type ProfileChoice = "auto" | "classic" | "native";

/** Options of either side's handshake. */
export interface HandshakeOptions {
  /** Server: whether it encrypts. Client: whether it insists on encryption; if not, it follows the server. */
  readonly encryption: boolean;
  readonly profile: ProfileChoice;
  /** Known only to the two ends. With it they speak native and encrypted, or not at all. */
  readonly secret?: Uint8Array | undefined;
  readonly maxMessageBytes: number;
  readonly crypto: CryptoProvider;
}

/** Whether an end refuses a peer that does not speak native. */
export function demandsNative({ profile, secret }: HandshakeOptions): boolean {
  return profile === "native" || secret !== undefined;
}

/** Whether a server encrypts, or a client refuses a server that does not. */
export function demandsEncryption({ encryption, secret }: HandshakeOptions): boolean {
  return encryption || secret !== undefined;
}

/** Whether an end can speak native at all. */
export function offersNative(options: HandshakeOptions): boolean {
  return options.profile !== "classic" || demandsNative(options);
}
