import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** What a page proves by that it was opened by whoever started the inspector: 256 random bits. */
export class Token {
  readonly text = randomBytes(32).toString("base64url");
  readonly #hash = hashOf(this.text);

  /** Whether it is the value of an `Authorization` header. Takes as long whatever is given of a length. */
  isIn(authorization: string | undefined): boolean {
    const [, given] = /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(authorization ?? "") ?? [];
    return given !== undefined && timingSafeEqual(hashOf(given), this.#hash);
  }
}

/** Of the same length, whatever is given. */
function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
