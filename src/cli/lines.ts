import type { Readable } from "node:stream";

const lineFeed = 10;

/** The lines of a stream as bytes, without their line feeds. Unlike readline's they are bytes, which need not be text. */
export async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  for await (const chunk of input) {
    let rest = chunk as Buffer;
    for (let at = rest.indexOf(lineFeed); at >= 0; at = rest.indexOf(lineFeed)) {
      yield Buffer.concat([...parts, rest.subarray(0, at)]);
      parts = [];
      rest = rest.subarray(at + 1);
    }
    if (rest.length > 0) parts.push(rest);
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}
