import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { OptionSpecs, ValuesOf } from "./command.ts";
import { UsageError } from "./exit-codes.ts";
import { integer } from "./quantities.ts";

/** Where a command's data come from: its argument, a file or stdin. */
export const dataOptions = {
  file: { type: "string", short: "f", value: "FILE", help: "the data are in this file; `-` is stdin" },
  hex: { type: "boolean", help: "the data are given as hexadecimal digits" },
  base64: { type: "boolean", help: "the data are given as base64" },
} as const satisfies OptionSpecs;

interface Given {
  readonly values: ValuesOf<typeof dataOptions>;
  /** The argument, if there is one. */
  readonly text: string | undefined;
  readonly stdin: Readable;
}

/** No message is larger, whatever the options are. */
const maxDataBytes = 1_073_741_824;

/** The bytes that were given; none if nothing was. @throws UsageError */
export async function dataOf({ values, text, stdin }: Given): Promise<Uint8Array> {
  const { file } = values;
  if (text !== undefined && file !== undefined) throw new UsageError("the data are DATA or --file, not both");
  const data = file === undefined ? Buffer.from(text ?? "") : await readAll(file, stdin);
  return decoded(data, values);
}

/** What each of these bytes or digits stand for. @throws UsageError */
export function decoded(data: Buffer, { hex, base64 }: ValuesOf<typeof dataOptions>): Uint8Array {
  if (hex && base64) throw new UsageError("the data are --hex or --base64, not both");
  if (!hex && !base64) return data;
  const digits = data.toString("latin1").replace(/\s+/g, "");
  const form = hex
    ? /^([0-9a-fA-F]{2})*$/
    : /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/;
  if (!form.test(digits)) throw new UsageError(`the data are not ${hex ? "hexadecimal" : "base64"}`);
  return Buffer.from(digits, hex ? "hex" : "base64");
}

/** The stream of a file, or stdin. @throws UsageError */
export async function openInput(file: string, stdin: Readable): Promise<Readable> {
  if (file === "-") return stdin;
  const status = await stat(file).catch((error: Error) => {
    throw new UsageError(`--file: ${error.message}`);
  });
  if (status.isDirectory()) throw new UsageError(`--file: ${file} is a directory`);
  return createReadStream(file);
}

async function readAll(file: string, stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of await openInput(file, stdin)) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxDataBytes) throw new UsageError(`--file: more than ${maxDataBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

export function typeOf(text: string): number {
  return integer(text, "TYPE", [1, 4_294_967_295]);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes as text, if they are UTF-8. */
function textOf(data: Uint8Array): string | undefined {
  try {
    return utf8.decode(data);
  } catch {
    return undefined;
  }
}

/** Data for JSON: as `text`, or as `base64` if they are not UTF-8. */
export function dataFields(data: Uint8Array): {
  readonly bytes: number;
  readonly text?: string;
  readonly base64?: string;
} {
  const text = textOf(data);
  if (text !== undefined) return { bytes: data.length, text };
  return { bytes: data.length, base64: Buffer.from(data).toString("base64") };
}

const maxShownBytes = 64;

/** Data for people. */
export function shownData(data: Uint8Array): string {
  const text = textOf(data);
  if (text !== undefined) return text;
  const hex = Buffer.from(data.subarray(0, maxShownBytes))
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1 ");
  return `<${data.length} bytes> ${hex}${data.length > maxShownBytes ? " …" : ""}`;
}
