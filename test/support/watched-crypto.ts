import { nodeCrypto } from "#dist/crypto/node.js";
import type { Aead, BatchAead, CryptoProvider } from "#dist/protocol/crypto-provider.js";

/** Node's cryptography, and every secret that came out of it or went into it. */
export class WatchedCrypto {
  readonly crypto: CryptoProvider;
  /** By what each is: the memory itself, so that it can be looked at later. */
  readonly secrets: { readonly what: string; readonly bytes: Uint8Array }[] = [];
  /** Ciphers that have a key. */
  readonly #ciphers = new Set<Aead | BatchAead>();

  constructor(generateKeyPair: CryptoProvider["generateKeyPair"] = nodeCrypto.generateKeyPair) {
    this.crypto = {
      ...nodeCrypto,
      generateKeyPair: () => {
        const keyPair = generateKeyPair();
        return {
          publicKey: keyPair.publicKey,
          deriveSharedSecret: (peerPublicKey) => {
            const secret = keyPair.deriveSharedSecret(peerPublicKey);
            return secret && this.#see("a shared secret", secret);
          },
        };
      },
      hmacSha256: (key, data) =>
        this.#see(
          `an HMAC over ${Buffer.from(data[0] ?? []).toString("latin1")}`,
          nodeCrypto.hmacSha256(key, data),
        ),
      createAead: (key) => {
        this.#see("a key", key);
        const aead = nodeCrypto.createAead(key);
        return this.#watchCipher<Aead>(aead, {
          seal: (nonce, plaintext, additionalData) => {
            this.#seeNonce(nonce, additionalData);
            return aead.seal(nonce, plaintext, additionalData);
          },
          open: (nonce, sealed, additionalData) => {
            this.#seeNonce(nonce, additionalData);
            return aead.open(nonce, sealed, additionalData);
          },
          createBatch: (nonces) => {
            const batch = aead.createBatch(nonces);
            if (batch === undefined) return undefined;
            return this.#watchCipher<BatchAead>(batch, {
              prepare: (prepared, maxBytes, firstRecord) => {
                if (nonces === "known") this.#see("prepared nonces", prepared);
                batch.prepare(prepared, maxBytes, firstRecord);
              },
            });
          },
        });
      },
    };
  }

  /** What is not wiped by now. */
  get left(): string[] {
    const unwiped = this.secrets.filter(({ bytes }) => bytes.some((byte) => byte !== 0));
    return [...unwiped.map(({ what }) => what), ...[...this.#ciphers].map(() => "a cipher")];
  }

  /** A classic one is no secret; a native one, whose record has its length as additional data, comes from the IV. */
  #seeNonce(nonce: Uint8Array, additionalData: Uint8Array | undefined): void {
    if (additionalData !== undefined) this.#see("a nonce", nonce);
  }

  #see(what: string, bytes: Uint8Array): Uint8Array {
    this.secrets.push({ what, bytes });
    return bytes;
  }

  #watchCipher<C extends Aead | BatchAead>(cipher: C, watched: Partial<C>): C {
    this.#ciphers.add(cipher);
    const wipe = (): void => {
      cipher.wipe();
      this.#ciphers.delete(cipher);
    };
    const own: object = { ...watched, wipe };
    return new Proxy(cipher, {
      get: (target, name) => {
        if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}
