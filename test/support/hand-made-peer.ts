import { createCipheriv, createDecipheriv, createECDH, createHash } from "node:crypto";
import { concat, uint32 } from "./bytes.ts";

/**
 * What a golang-ipc peer puts on the wire, made with nothing of the library's own: the tests' second opinion.
 * The key pairs are fixed, so there is one traffic key for all tests.
 */
export const serverPrivateKey = new Uint8Array(48).fill(0x11);
export const clientPrivateKey = new Uint8Array(48).fill(0x22);
export const serverPublicKey = publicKeyOf(serverPrivateKey);
export const clientPublicKey = publicKeyOf(clientPrivateKey);

function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(privateKey);
  return Uint8Array.from(ecdh.getPublicKey());
}

/** SHA-256 of the shared point's X coordinate as Go's `big.Int.Bytes` has it: without leading zero bytes. */
export function goTrafficKey(privateKey: Uint8Array, peerPublicKey: Uint8Array): Uint8Array {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(privateKey);
  const digits = BigInt(`0x${ecdh.computeSecret(peerPublicKey).toString("hex")}`).toString(16);
  const shortest = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return createHash("sha256").update(shortest).digest();
}

/** A frame: the payload's length before it. */
export function frame(...payload: Uint8Array[]): Uint8Array {
  const bytes = concat(...payload);
  return concat(uint32(bytes.length), bytes);
}

/** How a peer writes its frames: in the clear, or sealed. */
export interface Wire {
  readonly encrypted: boolean;
  message(type: number, data: Uint8Array): Uint8Array;
  maximumSize(maxMessageBytes: number, further?: Uint8Array): Uint8Array;
}

export const plainWire: Wire = {
  encrypted: false,
  message: (type, data) => frame(uint32(type), data),
  maximumSize: (maxMessageBytes, further: Uint8Array = new Uint8Array(0)) =>
    frame(uint32(maxMessageBytes), further),
};

export class SealedWire implements Wire {
  readonly encrypted = true;
  readonly #key: Uint8Array;
  #sealed = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  message(type: number, data: Uint8Array): Uint8Array {
    return this.seal(concat(uint32(type), data));
  }

  maximumSize(maxMessageBytes: number, further: Uint8Array = new Uint8Array(0)): Uint8Array {
    return this.seal(concat(uint32(maxMessageBytes), further));
  }

  /** The whole frame. */
  seal(plaintext: Uint8Array): Uint8Array {
    this.#sealed += 1;
    const nonce = concat(new Uint8Array(8).fill(0xee), uint32(this.#sealed));
    const sealing = createCipheriv("aes-256-gcm", this.#key, nonce);
    return frame(nonce, sealing.update(plaintext), sealing.final(), sealing.getAuthTag());
  }

  /** The plaintext of a whole frame. Throws where the tag does not fit. */
  open(sealedFrame: Uint8Array): Uint8Array {
    const nonce = sealedFrame.subarray(4, 16);
    const opening = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: 16 });
    opening.setAuthTag(sealedFrame.subarray(-16));
    return Uint8Array.from(concat(opening.update(sealedFrame.subarray(16, -16)), opening.final()));
  }
}

/** The wire between the two fixed key pairs. */
export const sealedWire = new SealedWire(goTrafficKey(serverPrivateKey, clientPublicKey));

export function wireFor(encrypted: boolean): Wire {
  return encrypted ? sealedWire : plainWire;
}
