/** Most bytes before the protocol's first that are passed over. */
const maxNoiseBytes = 65_536;
/** Most characters of what a command said that an error quotes. */
const maxQuotedCharacters = 2_000;

/**
 * What a command printed that is not the protocol: on standard error, and on standard output before the server's first
 * byte. Shells print there what their start-up files say, logins the message of the day.
 */
export class CommandOutput {
  #words = "";
  #noise = "";
  #noiseBytes = 0;
  #hasProtocol = false;
  /** The last byte may be the hello's first. */
  #endsWithVersion = false;

  /** Whether the protocol has begun. */
  get hasProtocol(): boolean {
    return this.#hasProtocol;
  }

  /**
   * The protocol's bytes in a chunk of standard output; `undefined` if too much else came before them. A server begins with
   * its hello: 02, and 00 or 01, which no text has.
   */
  protocolIn(chunk: Buffer): Uint8Array | undefined {
    if (this.#hasProtocol) return chunk;
    const bytes = this.#endsWithVersion ? Buffer.concat([Buffer.of(2), chunk]) : chunk;
    const start = helloIn(bytes);
    this.#hasProtocol = start + 1 < bytes.length;
    this.#endsWithVersion = start + 1 === bytes.length;
    this.#noise = tail(this.#noise, bytes.subarray(0, start));
    this.#noiseBytes += start;
    if (this.#noiseBytes > maxNoiseBytes) return undefined;
    return this.#hasProtocol ? bytes.subarray(start) : bytes.subarray(bytes.length);
  }

  /** What came on standard error. */
  addWords(chunk: Buffer): void {
    this.#words = tail(this.#words, chunk);
  }

  /** The last of it, to add to an error's message. */
  get said(): string {
    return quoted("; on standard error it said", this.#words) + quoted("; it printed", this.#noise);
  }
}

/** Where the hello begins, if only with the last byte; else where the bytes end. */
function helloIn(bytes: Buffer): number {
  for (let at = bytes.indexOf(2); at >= 0; at = bytes.indexOf(2, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next <= 1) return at;
  }
  return bytes.length;
}

function tail(before: string, chunk: Buffer): string {
  return (before + chunk.subarray(-maxQuotedCharacters).toString("utf8")).slice(-maxQuotedCharacters);
}

/** Without control and formatting characters, which could do harm where an error is printed, on a terminal for example. */
function quoted(intro: string, text: string): string {
  const shown = text.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, "").trim();
  return shown === "" ? "" : `${intro}: ${shown}`;
}
