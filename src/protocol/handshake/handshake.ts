import { PeerError } from "../../errors.ts";
import { deriveTrafficKey } from "../classic/key-schedule.ts";
import { RecordProtection } from "../classic/record.ts";
import { type CryptoProvider, type KeyPair, publicKeyBytes } from "../crypto-provider.ts";
import type { Profile } from "../profile.ts";
import type { ReceiveBuffer } from "../receive-buffer.ts";
import type { Input, State } from "../states.ts";

/** What either side's handshake is given. */
export interface HandshakeOptions {
  /** Server: whether it encrypts. Client: whether it insists; one that does not follows the server. */
  readonly encryption: boolean;
  readonly maxMessageBytes: number;
  readonly crypto: CryptoProvider;
}

/** One step of the handshake: what arrived, as an input of the session's table, and what to answer. */
export interface HandshakeStep {
  readonly input: Input;
  /** Parts to send, each in a write of its own. */
  readonly output: readonly Uint8Array[];
  /** With the last step: how to go on. */
  readonly opened?: Opened;
}

export interface Opened {
  readonly profile: Profile;
  /** Largest `data` that may be sent to the peer. */
  readonly maxSendBytes: number;
}

/** One side of the handshake. */
export interface Handshake {
  /** What to send before anything has arrived. */
  start(): Uint8Array[];
  /**
   * The next step in `state`, or `undefined` until enough has arrived.
   * @throws HandshakeFailure
   */
  advance(state: State, input: ReceiveBuffer): HandshakeStep | undefined;
}

/** The peer's fault, and the last bytes worth sending for it. */
export class HandshakeFailure extends Error {
  readonly error: PeerError;
  readonly lastWords: Uint8Array;

  constructor(error: PeerError, lastWords: Uint8Array) {
    super(error.message);
    this.error = error;
    this.lastWords = lastWords;
  }
}

/** The peer's public key, once all of it is there, and the records it leads to. */
export function agreeOnRecords(
  input: ReceiveBuffer,
  keyPair: KeyPair,
  crypto: CryptoProvider,
): RecordProtection | undefined {
  if (input.length < publicKeyBytes) return undefined;
  const peerPublicKey = input.take(publicKeyBytes);
  const reflected = peerPublicKey.every((byte, index) => byte === keyPair.publicKey[index]);
  const sharedSecret = reflected ? undefined : keyPair.deriveSharedSecret(peerPublicKey);
  if (sharedSecret === undefined) {
    throw new PeerError(
      "ERR_INVALID_PUBLIC_KEY",
      reflected
        ? "the peer sent our own public key back"
        : "the peer's public key is no uncompressed point on the curve P-384",
    );
  }
  const key = deriveTrafficKey(sharedSecret, crypto);
  sharedSecret.fill(0);
  const records = new RecordProtection(key, crypto);
  key.fill(0);
  return records;
}
