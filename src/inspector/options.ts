import type { Contract, ContractDescription } from "../contract/index.ts";
import { CallerError } from "../index.ts";
import { type Decoder, decoderOf } from "./decoder.ts";

/** Options of `startInspector`. */
export interface InspectorOptions {
  /** What the page is called. Default: the process's title and number. */
  readonly title?: string | undefined;
  /** Whether data of the application, and the messages of its errors, are kept and shown. Default `false`. */
  readonly payloads?: boolean | undefined;
  /** Whether the page may send messages and requests in the name of this process. Default `false`. */
  readonly allowSend?: boolean | undefined;
  /** By which types have names and data are decoded: contracts, or their descriptions as `contract export` makes them. */
  readonly contracts?: readonly (Contract | ContractDescription)[] | undefined;
  /** Only the ends of this side are shown. Default: those of both. */
  readonly side?: "client" | "server" | undefined;
  /** Events that are kept: older ones give way. 1 to 1000000, default 10000. */
  readonly maxEvents?: number | undefined;
  /** Bytes that all kept events may take together, data included. 65536 to 1 GiB, default 16777216. */
  readonly maxBytes?: number | undefined;
  /** Data longer than that are not kept, only how long they were. 0 to 16777216, default 65536. */
  readonly maxPayloadBytes?: number | undefined;
}

export interface ParsedOptions {
  readonly title: string;
  readonly payloads: boolean;
  readonly allowSend: boolean;
  readonly decoder: Decoder;
  readonly side: "client" | "server" | undefined;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxPayloadBytes: number;
}

const integers = {
  maxEvents: { min: 1, max: 1_000_000, byDefault: 10_000 },
  maxBytes: { min: 65_536, max: 1_073_741_824, byDefault: 16_777_216 },
  maxPayloadBytes: { min: 0, max: 16_777_216, byDefault: 65_536 },
} as const;

const known = ["title", "payloads", "allowSend", "contracts", "side", ...Object.keys(integers)];
const maxTitleLength = 200;

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseOptions(options: InspectorOptions): ParsedOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw invalid("options must be an object");
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw invalid(`there is no option "${stranger}"; there are ${known.join(", ")}`);
  const own: InspectorOptions = Object.assign(Object.create(null), options);
  return {
    title: titleOf(own.title),
    payloads: booleanOf("payloads", own.payloads),
    allowSend: booleanOf("allowSend", own.allowSend),
    decoder: decoderOf(own.contracts),
    side: sideOf(own.side),
    maxEvents: integerOf("maxEvents", own.maxEvents),
    maxBytes: integerOf("maxBytes", own.maxBytes),
    maxPayloadBytes: integerOf("maxPayloadBytes", own.maxPayloadBytes),
  };
}

function titleOf(title: unknown): string {
  if (title === undefined) return `${process.title} ${process.pid}`;
  if (typeof title === "string" && title.length >= 1 && title.length <= maxTitleLength) return title;
  throw invalid(`title must be a string of 1 to ${maxTitleLength} characters`);
}

function booleanOf(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === "boolean") return value;
  throw invalid(`${name} must be true or false`);
}

function sideOf(side: unknown): "client" | "server" | undefined {
  if (side === undefined || side === "client" || side === "server") return side;
  throw invalid('side must be "client" or "server"');
}

function integerOf(name: keyof typeof integers, value: unknown): number {
  const { min, max, byDefault } = integers[name];
  if (value === undefined) return byDefault;
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw invalid(`${name} must be an integer from ${min} to ${max}`);
}

export function invalid(message: string): CallerError {
  return new CallerError("ERR_INVALID_OPTION", message);
}
