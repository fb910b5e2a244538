import { readFileSync } from "node:fs";

// The shared vectors as spec/protocol.md, "Vectors", has them. Bytes are hexadecimal.

export interface KeyPairs {
  readonly serverPrivateKey: string;
  readonly serverPublicKey: string;
  readonly clientPrivateKey: string;
  readonly clientPublicKey: string;
  readonly key: string;
}

export interface KeyAgreementVector extends KeyPairs {
  readonly name: string;
  readonly sharedSecret: string;
  readonly sharedSecretMinimal: string;
}

export interface HandshakeVector extends Partial<KeyPairs> {
  readonly name: string;
  readonly encrypted: boolean;
  readonly clientInsistsOnEncryption: boolean;
  readonly maxMessageBytes: number;
  /** Of the maximum-size frame. */
  readonly nonce?: string;
  readonly steps: readonly {
    readonly from: "server" | "client";
    readonly part: string;
    readonly bytes: string;
  }[];
  /** `open` or an error code. */
  readonly outcome: string;
  readonly outcomeAt: "both" | "server" | "client";
}

export interface FrameVector {
  readonly name: string;
  readonly encrypted: boolean;
  readonly key?: string;
  readonly nonce?: string;
  readonly type: number;
  readonly data?: string;
  readonly frame?: string;
  readonly dataPattern?: { readonly bytes: number; readonly seed: number };
  readonly frameBytes?: number;
  readonly frameSha256?: string;
}

export interface BadFrameVector {
  readonly name: string;
  readonly encrypted: boolean;
  readonly key?: string;
  readonly maxMessageBytes: number;
  readonly bytes: string;
  /** An error code, or `dropped`. */
  readonly outcome: string;
}

function read<T>(file: string): readonly T[] {
  const url = new URL(`../../../spec/vectors/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")).vectors;
}

export const keyAgreements = read<KeyAgreementVector>("key-agreement.json");
export const handshakes = read<HandshakeVector>("handshakes.json");
export const frames = read<FrameVector>("frames.json");
export const badFrames = read<BadFrameVector>("bad-frames.json");
