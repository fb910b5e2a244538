import type { NativeAgreement } from "../native/agreement.ts";
import { deriveNativeSecrets, hashTranscript } from "../native/wire/key-schedule.ts";
import { RecordReader, RecordWriter } from "../native/wire/record.ts";
import type { KeyAgreement } from "./key-agreement.ts";
import type { HandshakeOptions } from "./options.ts";

/** `keys` are absent if the connection is plain; `frame` is the maximum-size frame, as it was on the wire. */
export function agreeOnNative(
  side: "client" | "server",
  handshake: { readonly keys: KeyAgreement | undefined; readonly frame: Uint8Array },
  { secret, crypto }: HandshakeOptions,
): NativeAgreement {
  const { keys, frame } = handshake;
  if (keys === undefined) return plainAgreement();
  const { ownPublicKey, peerPublicKey, sharedSecret } = keys;
  const [serverPublicKey, clientPublicKey] =
    side === "server" ? [ownPublicKey, peerPublicKey] : [peerPublicKey, ownPublicKey];
  const transcript = hashTranscript({ serverPublicKey, clientPublicKey, maximumSizeFrame: frame }, crypto);
  const secrets = deriveNativeSecrets({ sharedSecret, transcript, secret }, crypto);
  const peersSide = side === "server" ? "client" : "server";
  return {
    encrypted: true,
    reader: new RecordReader({ trafficSecret: secrets[peersSide], crypto }),
    writer: new RecordWriter({ trafficSecret: secrets[side], crypto }),
    transcript,
    resumptionKey: secrets.resumptionKey,
  };
}

function plainAgreement(): NativeAgreement {
  return {
    encrypted: false,
    reader: new RecordReader(),
    writer: new RecordWriter(),
    transcript: new Uint8Array(0),
    resumptionKey: undefined,
  };
}
