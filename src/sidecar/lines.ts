import { StringDecoder } from "node:string_decoder";

/** A longer line comes in pieces. */
const maxLineLength = 16_384;

/** Cuts what a process prints into lines, and keeps no more of it than one line has. */
export class Lines {
  readonly #decoder = new StringDecoder("utf8");
  readonly #tell: (line: string) => void;
  #rest = "";

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  add(chunk: Uint8Array): void {
    this.#take(this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== "") this.#tell(this.#rest);
    this.#rest = "";
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#tellInPieces(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (this.#rest.length > maxLineLength) {
      this.#tell(this.#rest.slice(0, maxLineLength));
      this.#rest = this.#rest.slice(maxLineLength);
    }
  }

  #tellInPieces(line: string): void {
    for (let start = 0; start === 0 || start < line.length; start += maxLineLength) {
      this.#tell(line.slice(start, start + maxLineLength));
    }
  }
}
