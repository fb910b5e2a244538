import { createCipheriv, createECDH, createHash, createHmac } from "node:crypto";
import { concat, hex, uint32 } from "../support/bytes.ts";
import { clientPrivateKey, clientPublicKey, frame, serverPublicKey } from "../support/hand-made-peer.ts";

// What a native peer puts on the wire, made with nothing of the library's own: the second opinion of the targets.
// Source: spec/protocol.md, "Native key schedule" and "Native record".

export type Role = "client" | "server";

function sha256(...parts: Uint8Array[]): Uint8Array {
  return createHash("sha256")
    .update(concat(...parts))
    .digest();
}

function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  return createHmac("sha256", key)
    .update(concat(...parts))
    .digest();
}

/** HKDF-Expand of no more than one block. */
function expand(key: Uint8Array, label: string, transcript = hex("")): Uint8Array {
  return hmac(key, Buffer.from(label), transcript, hex("01"));
}

function trafficSecret(side: Role, maximumSizeFrame: Uint8Array): Uint8Array {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(clientPrivateKey);
  const shared = ecdh.computeSecret(serverPublicKey);
  const transcript = sha256(hex("02 01 00"), serverPublicKey, clientPublicKey, maximumSizeFrame, hex("01"));
  const master = hmac(hmac(Buffer.from("sealpipe native 1"), hex("00")), shared);
  return expand(master, side, transcript);
}

/** One direction of a connection between the two fixed key pairs, or a plain one. Seals any record under any number. */
export class NativePeer {
  readonly #key: Uint8Array | undefined;
  readonly #iv: Uint8Array | undefined;

  /** The maximum-size frame is that of the handshake; without it the records are plain. */
  constructor(side: Role, maximumSizeFrame?: Uint8Array) {
    if (maximumSizeFrame === undefined) return;
    const secret = trafficSecret(side, maximumSizeFrame);
    this.#key = expand(secret, "key");
    this.#iv = expand(secret, "iv").subarray(0, 12);
  }

  record(number: number, ...frames: Uint8Array[]): Uint8Array {
    if (this.#key === undefined) return frame(...frames);
    const bytes = concat(...frames);
    const header = uint32(bytes.length + 16);
    const nonce = Uint8Array.from(this.#iv as Uint8Array);
    const tail = new DataView(nonce.buffer, 8);
    tail.setUint32(0, tail.getUint32(0) ^ number);
    const sealing = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(header);
    return concat(header, sealing.update(bytes), sealing.final(), sealing.getAuthTag());
  }
}
