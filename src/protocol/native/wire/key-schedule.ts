import { aeadNonceBytes, type CryptoProvider } from "../../crypto-provider.ts";
import { joinParts } from "../../parts.ts";
import { secretCopy } from "../../secret-memory.ts";
import { encodeUtf8 } from "../../utf8.ts";
import type { Positions } from "./lanes.ts";
import { encodePositions } from "./positions.ts";

// Source: spec/protocol.md, "Native key schedule".

const protocolLabel = encodeUtf8("sealpipe native 1");
const labels = {
  client: encodeUtf8("client"),
  server: encodeUtf8("server"),
  resumption: encodeUtf8("resumption"),
  key: encodeUtf8("key"),
  iv: encodeUtf8("iv"),
  next: encodeUtf8("next"),
};

const acceptance = Uint8Array.of(0);
const nativeConfirmation = Uint8Array.of(1);
const encryptedHello = Uint8Array.of(2, 1);
const withoutSecret = Uint8Array.of(0);
const withSecret = Uint8Array.of(1);

/** The parts of an encrypted handshake that both ends have seen. */
export interface HandshakeParts {
  readonly serverPublicKey: Uint8Array;
  readonly clientPublicKey: Uint8Array;
  /** The whole frame, as it was on the wire. */
  readonly maximumSizeFrame: Uint8Array;
}

/** The secrets that protect the records of one connection, and the resumption of its session. */
export interface NativeSecrets {
  /** The first traffic secret from client to server. */
  readonly client: Uint8Array;
  /** The first traffic secret from server to client. */
  readonly server: Uint8Array;
  readonly resumptionKey: Uint8Array;
}

/** The nonce by which a server shows in its maximum-size frame that it speaks native. */
export function nativeNonce(
  serverPublicKey: Uint8Array,
  clientPublicKey: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  const digest = crypto.sha256(joinParts([protocolLabel, serverPublicKey, clientPublicKey]));
  return Uint8Array.from(digest.subarray(0, aeadNonceBytes));
}

/** T: the hash of an encrypted handshake that goes on natively. */
export function hashTranscript(parts: HandshakeParts, crypto: CryptoProvider): Uint8Array {
  const { serverPublicKey, clientPublicKey, maximumSizeFrame } = parts;
  return crypto.sha256(
    joinParts([
      encryptedHello,
      acceptance,
      serverPublicKey,
      clientPublicKey,
      maximumSizeFrame,
      nativeConfirmation,
    ]),
  );
}

/** The caller owns the result, wipes `sharedSecret` and keeps `secret`. */
export function deriveNativeSecrets(
  from: {
    readonly sharedSecret: Uint8Array;
    readonly transcript: Uint8Array;
    readonly secret: Uint8Array | undefined;
  },
  crypto: CryptoProvider,
): NativeSecrets {
  const { sharedSecret, transcript, secret } = from;
  const presharedKey = secret === undefined ? [withoutSecret] : [withSecret, secret];
  const early = crypto.hmacSha256(protocolLabel, presharedKey);
  const master = crypto.hmacSha256(early, [sharedSecret]);
  const secrets = {
    client: expand(master, [labels.client, transcript], crypto),
    server: expand(master, [labels.server, transcript], crypto),
    resumptionKey: expand(master, [labels.resumption, transcript], crypto),
  };
  early.fill(0);
  master.fill(0);
  return secrets;
}

/** One direction's key and IV under a traffic secret. The caller owns them. */
export function deriveTrafficKeys(
  trafficSecret: Uint8Array,
  crypto: CryptoProvider,
): { readonly key: Uint8Array; readonly iv: Uint8Array } {
  const block = expand(trafficSecret, [labels.iv], crypto);
  const iv = secretCopy(block.subarray(0, aeadNonceBytes));
  block.fill(0);
  return { key: expand(trafficSecret, [labels.key], crypto), iv };
}

/** The next traffic secret. The caller wipes the previous one. */
export function nextTrafficSecret(trafficSecret: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return expand(trafficSecret, [labels.next], crypto);
}

export interface ProofParts {
  readonly resumptionKey: Uint8Array;
  /** Of the new connection; empty if that is plain. */
  readonly transcript: Uint8Array;
  readonly sessionId: Uint8Array;
  /** How far the side that proves has received. */
  readonly received: Positions;
}

/**
 * Proves that a side took part in the session. Compare with `equalBytes`. Source: spec/protocol.md, "Resume".
 */
export function resumptionProof(
  side: "client" | "server",
  parts: ProofParts,
  crypto: CryptoProvider,
): Uint8Array {
  const { resumptionKey, transcript, sessionId, received } = parts;
  return crypto.hmacSha256(resumptionKey, [labels[side], transcript, sessionId, encodePositions(received)]);
}

/** HKDF-Expand (RFC 5869, 2.3) to one block of 32 bytes; nothing here needs more. */
function expand(key: Uint8Array, info: readonly Uint8Array[], crypto: CryptoProvider): Uint8Array {
  return crypto.hmacSha256(key, [...info, Uint8Array.of(1)]);
}
