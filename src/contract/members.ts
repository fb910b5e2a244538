import { isUint8Array } from "node:util/types";
import { CallerError } from "../index.ts";
import type { Delivery, Retention } from "./delivery.ts";
import { type InputOf, isSchema, type OutputOf, type Schema } from "./schema.ts";

declare const changed: unique symbol;
declare const types: unique symbol;

/** Data that the schema of the receiver turns into something else: a date made of text, a default filled in. */
export interface Changed<Sent, Received> {
  readonly [changed]: [Sent, Received];
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** What a schema takes, and what it makes of that if it is something else. */
export type DataOf<S extends Schema> =
  Same<InputOf<S>, OutputOf<S>> extends true ? OutputOf<S> : Changed<InputOf<S>, OutputOf<S>>;

/** What the program that sends such data has. */
export type Sent<Data> = 0 extends 1 & Data
  ? Data
  : [Data] extends [Changed<infer S, unknown>]
    ? [Data] extends [never]
      ? never
      : S
    : Data;

/** What the program that receives such data gets. */
export type Received<Data> = 0 extends 1 & Data
  ? Data
  : [Data] extends [Changed<unknown, infer R>]
    ? [Data] extends [never]
      ? never
      : R
    : Data;

/** A schema for the data of each error, by its code; `null` for an error without data. */
export type ErrorSchemas = { readonly [code: string]: Schema | null };

/** What these describe. By way of a condition, so that editors show what it comes to and not how. */
export type ErrorDataOf<E extends ErrorSchemas> = E extends ErrorSchemas
  ? { readonly [C in keyof E]: E[C] extends Schema ? DataOf<E[C]> : undefined }
  : never;

/** A question and its answer. Made by {@link method}. */
export interface Method<Input = unknown, Output = unknown, Errors = unknown> {
  readonly kind: "method";
  readonly number: number;
  readonly input: Schema | undefined;
  readonly output: Schema | undefined;
  readonly errors: ErrorSchemas;
  /** For the compiler alone. */
  readonly [types]?: { readonly input: Input; readonly output: Output; readonly errors: Errors };
}

/** Who sends an event: the end that implements the contract, the end that calls it, or either. */
export type Direction = "to-caller" | "from-caller" | "both";

/** News that nobody answers. Made by {@link event}. */
export interface Event<Data = unknown, D extends Direction = Direction> {
  readonly kind: "event";
  readonly number: number;
  readonly data: Schema | undefined;
  readonly direction: D;
  readonly fanOut: boolean;
  readonly durable: Retention | undefined;
  /** For the compiler alone. */
  readonly [types]?: Data;
}

/** Items in order, one way or both. Made by {@link stream}. */
export interface StreamMember<Input = unknown, Output = unknown, Items = unknown, Errors = unknown> {
  readonly kind: "stream";
  readonly number: number;
  readonly input: Schema | undefined;
  /** Of the items towards the caller, if there are any. */
  readonly output: Schema | undefined;
  /** Of the items from the caller, if there are any. */
  readonly items: Schema | undefined;
  readonly errors: { readonly [code: string]: null };
  /** For the compiler alone. */
  readonly [types]?: {
    readonly input: Input;
    readonly output: Output;
    readonly items: Items;
    readonly errors: Errors;
  };
}

export type Member = Method | StreamMember | Event;
export type Members = { readonly [name: string]: Member };

type Nothing = Schema<undefined>;

/**
 * A method of a contract: what the caller gives, what it gets, and the errors that it can tell apart.
 *
 * @param number Its type on the wire, 1 to 4294967294, which no other member of the contract has and which stays the same.
 * @param parts Schemas of the input and the output; without one there is nothing to give or to get. `errors` has a schema
 *   for the data of each, or `null`, by its code: 1 to 64 characters of `A-Z 0-9 _`, not one that begins with `ERR_`.
 * @throws CallerError `ERR_INVALID_ARGUMENT`
 */
export function method<
  I extends Schema = Nothing,
  O extends Schema = Nothing,
  E extends ErrorSchemas = Record<never, never>,
>(
  number: number,
  parts: { readonly input?: I; readonly output?: O; readonly errors?: E } = {},
): Method<DataOf<I>, DataOf<O>, ErrorDataOf<E>> {
  checkNumber(number);
  checkParts(parts, ["input", "output", "errors"], `method ${number}`);
  const { input, output, errors = {} } = parts;
  checkSchema(input, `the input of method ${number}`);
  checkSchema(output, `the output of method ${number}`);
  return Object.freeze({
    kind: "method" as const,
    number,
    input,
    output,
    errors: ownErrors(errors, `method ${number}`),
  });
}

/**
 * A stream of a contract, which the caller opens.
 *
 * @param number As a {@link method}'s.
 * @param parts Schemas: `input` of what the caller opens it with, if anything; `output` of the items towards the caller,
 *   `items` of those from the caller; one of the two at least. `errors` has `null` for each code that the caller can tell
 *   apart, as a {@link method}'s without data.
 * @throws CallerError `ERR_INVALID_ARGUMENT`
 */
export function stream<
  I extends Schema = Nothing,
  O extends Schema = Nothing,
  T extends Schema = Nothing,
  E extends { readonly [code: string]: null } = Record<never, never>,
>(
  number: number,
  parts: { readonly input?: I; readonly output?: O; readonly items?: T; readonly errors?: E },
): StreamMember<DataOf<I>, DataOf<O>, DataOf<T>, ErrorDataOf<E>> {
  checkNumber(number);
  const whose = `stream ${number}`;
  checkParts(parts, ["input", "output", "items", "errors"], whose);
  const { input, output, items, errors = {} } = parts;
  checkSchema(input, `the input of ${whose}`);
  checkSchema(output, `the output of ${whose}`);
  checkSchema(items, `the items of ${whose}`);
  if (output === undefined && items === undefined) throw invalid(`${whose} has neither output nor items`);
  const own = ownErrors(errors, whose);
  const withData = Object.entries(own).find(([, schema]) => schema !== null);
  if (withData !== undefined)
    throw invalid(`${whose}'s error ${withData[0]} has a schema: a reset has no data`);
  return Object.freeze({
    kind: "stream" as const,
    number,
    input,
    output,
    items,
    errors: own as StreamMember["errors"],
  });
}

/**
 * An event of a contract, which the end that implements it sends.
 *
 * @param number As a {@link method}'s.
 * @param data The schema of what it tells; without one it tells only that it happened.
 * @param options `direction`: who may send it. Default `"to-caller"`. `fanOut` or `durable`: how one that goes `"to-caller"` is sent
 *   over NATS, see {@link Delivery}.
 * @throws CallerError `ERR_INVALID_ARGUMENT`
 *
 * @example
 * ```ts
 * import { event } from "sealpipe/contract";
 * import { z } from "zod";
 *
 * const price = event(1, z.number(), { durable: { maxEvents: 100 } });
 * const tick = event(2, z.number(), { fanOut: true });
 * console.log(price.durable?.maxEvents, tick.fanOut); // 100 true
 * ```
 */
export function event<S extends Schema = Nothing>(
  number: number,
  data?: S,
  options?: Delivery & { readonly direction?: "to-caller" },
): Event<DataOf<S>, "to-caller">;
/**
 * An event of a contract.
 *
 * @param number As a {@link method}'s.
 * @param data The schema of what it tells; `undefined` if it tells only that it happened.
 * @param options `direction`: who may send it. Default `"to-caller"`.
 * @throws CallerError `ERR_INVALID_ARGUMENT`
 */
export function event<S extends Schema, D extends Direction>(
  number: number,
  data: S | undefined,
  options: { readonly direction: D },
): Event<DataOf<S>, D>;
export function event(
  number: number,
  data?: Schema,
  options: Delivery & { readonly direction?: Direction } = {},
): Event<unknown, Direction> {
  checkNumber(number);
  checkSchema(data, `the data of event ${number}`);
  checkParts(options, ["direction", "fanOut", "durable"], `event ${number}`);
  const { direction = "to-caller" } = own(options);
  if (!["to-caller", "from-caller", "both"].includes(direction)) {
    throw invalid(
      `event ${number} has the direction "${direction}", not "to-caller", "from-caller" or "both"`,
    );
  }
  const delivery = deliveryOf(own(options), direction, `event ${number}`);
  return Object.freeze({ kind: "event" as const, number, data, direction, ...delivery });
}

function deliveryOf(
  { fanOut = false, durable = false }: Delivery,
  direction: Direction,
  whose: string,
): Pick<Event, "fanOut" | "durable"> {
  if (typeof fanOut !== "boolean") throw invalid(`${whose} has a fanOut that is neither true nor false`);
  const retention = durable === false ? undefined : retentionOf(durable, whose);
  if (!fanOut && retention === undefined) return { fanOut, durable: undefined };
  if (fanOut && retention !== undefined) throw invalid(`${whose} is both fanOut and durable; it can be one`);
  // A caller has one implementer to send to.
  if (direction !== "to-caller") throw invalid(`${whose} is fanOut or durable, and not "to-caller"`);
  return { fanOut, durable: retention };
}

const maxRetained = 4_294_967_295;
const minAgeMs = 1_000;

function retentionOf(durable: unknown, whose: string): Retention {
  if (durable === true) return Object.freeze({ maxEvents: 1_000 });
  checkParts(durable as object, ["maxEvents", "maxAgeMs"], `what is kept of ${whose}`);
  const { maxEvents = 1_000, maxAgeMs } = own(durable as Retention);
  const isWithin = (value: number, min: number) =>
    Number.isInteger(value) && value >= min && value <= maxRetained;
  if (!isWithin(maxEvents, 1)) throw invalid(`${whose} has a maxEvents that is not 1 to ${maxRetained}`);
  if (maxAgeMs !== undefined && !isWithin(maxAgeMs, minAgeMs))
    throw invalid(`${whose} has a maxAgeMs that is not ${minAgeMs} to ${maxRetained}`);
  return Object.freeze({ maxEvents, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) });
}

/** Without what the prototype has. */
function own<T extends object>(options: T): T {
  return Object.assign(Object.create(null), options);
}

/** Requests of that type ask for the description of a contract. Source: spec/contracts.md. */
export const describeType = 4_294_967_295;

export function invalid(message: string): CallerError {
  return new CallerError("ERR_INVALID_ARGUMENT", message);
}

function checkNumber(number: unknown): void {
  if (Number.isInteger(number) && (number as number) >= 1 && (number as number) < describeType) return;
  throw invalid(`a member's number is an integer from 1 to ${describeType - 1}, not ${String(number)}`);
}

function checkSchema(schema: unknown, whose: string): void {
  if (schema === undefined || isSchema(schema)) return;
  throw invalid(`${whose} is no schema that follows Standard Schema v1`);
}

function checkParts(parts: object, known: readonly string[], whose: string): void {
  if (typeof parts !== "object" || parts === null || isUint8Array(parts) || isSchema(parts)) {
    throw invalid(`${whose} is described by an object with ${known.join(", ")}`);
  }
  const stranger = Object.keys(parts).find((key) => !known.includes(key));
  if (stranger !== undefined) throw invalid(`${whose} has "${stranger}"; there are ${known.join(", ")}`);
}

const errorCode = /^(?!ERR_)[A-Z0-9_]{1,64}$/;

function ownErrors(errors: ErrorSchemas, whose: string): ErrorSchemas {
  const own: Record<string, Schema | null> = Object.create(null);
  for (const [code, schema] of Object.entries(errors)) {
    if (!errorCode.test(code)) {
      throw invalid(`${whose} has an error "${code}"; a code is 1 to 64 of A-Z 0-9 _, and ERR_ is taken`);
    }
    if (schema !== null && !isSchema(schema))
      throw invalid(`${whose}'s error ${code} has no schema, nor null`);
    own[code] = schema;
  }
  return Object.freeze(own);
}
