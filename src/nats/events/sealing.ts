import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

// Source: spec/events.md, "Message".

const cipher = "aes-256-gcm";
const kinds = { plain: 0, sealed: 1 } as const;
const publisherBytes = 16;
const headBytes = 1 + publisherBytes + 8 + 8;
const tagBytes = 16;
const nonceBytes = 12;

/** Bytes of a message besides the data. */
export const eventOverheadBytes = headBytes + tagBytes;

/** How many publishers' keys are kept. */
const maxKeys = 1_024;

/** What an event is sealed for: a key of the channel, if it has a secret, and the text of its topic. */
export interface Protection {
  readonly key: Uint8Array | undefined;
  readonly topic: string;
}

export interface OpenedEvent {
  /** Whoever has published it, in hexadecimal. */
  readonly publisher: string;
  /** How many that one has made before of this topic. */
  readonly counter: number;
  /** The time, or the position. */
  readonly stamp: number;
  readonly data: Uint8Array;
}

/** Makes the messages of one topic. */
export class EventSealer {
  readonly publisher: Uint8Array;
  readonly #key: Uint8Array | undefined;
  #counter = 0;

  /** `publisher`: only ever given by a test, which knows the bytes that must come. */
  constructor(protection: Protection, publisher: Uint8Array = randomBytes(publisherBytes)) {
    this.publisher = Uint8Array.from(publisher);
    this.#key = keyOf(protection, this.publisher);
  }

  /** The next counts as one that was made: nobody will have it. */
  skip(): void {
    this.#counter += 1;
  }

  seal(data: Uint8Array, stamp: number): Uint8Array {
    const head = Buffer.alloc(headBytes);
    head.writeUInt8(this.#key === undefined ? kinds.plain : kinds.sealed);
    head.set(this.publisher, 1);
    head.writeBigUInt64BE(BigInt(this.#counter), 1 + publisherBytes);
    head.writeBigUInt64BE(BigInt(stamp), headBytes - 8);
    this.#counter += 1;
    if (this.#key === undefined) return Buffer.concat([head, data]);
    const sealing = createCipheriv(cipher, this.#key, nonceOf(head)).setAAD(head);
    return Buffer.concat([head, sealing.update(data), sealing.final(), sealing.getAuthTag()]);
  }
}

/** Opens the messages of one topic, whoever has made them. */
export class EventOpener {
  readonly #protection: Protection;
  readonly #keys = new Map<string, Uint8Array>();

  constructor(protection: Protection) {
    this.#protection = protection;
  }

  /** `undefined` for what is none, or was not made with the secret. */
  open(message: Uint8Array): OpenedEvent | undefined {
    if (message.length < headBytes) return undefined;
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
    const head = bytes.subarray(0, headBytes);
    const isSealed = this.#protection.key !== undefined;
    if (head[0] !== (isSealed ? kinds.sealed : kinds.plain)) return undefined;
    const counter = head.readBigUInt64BE(1 + publisherBytes);
    const stamp = head.readBigUInt64BE(headBytes - 8);
    if (counter > Number.MAX_SAFE_INTEGER || stamp > Number.MAX_SAFE_INTEGER) return undefined;
    const publisher = head.toString("hex", 1, 1 + publisherBytes);
    const rest = bytes.subarray(headBytes);
    const data = isSealed ? this.#unseal(publisher, head, rest) : Uint8Array.from(rest);
    return data && { publisher, counter: Number(counter), stamp: Number(stamp), data };
  }

  #unseal(publisher: string, head: Buffer, rest: Buffer): Uint8Array | undefined {
    if (rest.length < tagBytes) return undefined;
    const salt = head.subarray(1, 1 + publisherBytes);
    const key = this.#keys.get(publisher) ?? (keyOf(this.#protection, salt) as Uint8Array);
    const opening = createDecipheriv(cipher, key, nonceOf(head), { authTagLength: tagBytes })
      .setAAD(head)
      .setAuthTag(rest.subarray(rest.length - tagBytes));
    const data = opening.update(rest.subarray(0, rest.length - tagBytes));
    try {
      opening.final();
    } catch {
      return undefined;
    }
    this.#keep(publisher, key);
    return Uint8Array.from(data);
  }

  /** Of those alone who have shown that they have the secret. */
  #keep(publisher: string, key: Uint8Array): void {
    this.#keys.delete(publisher);
    this.#keys.set(publisher, key);
    if (this.#keys.size <= maxKeys) return;
    const [oldest] = this.#keys.keys();
    this.#keys.delete(oldest as string);
  }
}

function keyOf({ key, topic }: Protection, publisher: Uint8Array): Uint8Array | undefined {
  if (key === undefined) return undefined;
  return new Uint8Array(hkdfSync("sha256", key, publisher, topic, 32));
}

/** The counter, which is another for each message of a key. */
function nonceOf(head: Buffer): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  head.copy(nonce, 4, 1 + publisherBytes, 1 + publisherBytes + 8);
  return nonce;
}
