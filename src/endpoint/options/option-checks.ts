import { isAbsolute } from "node:path";
import { inspect, types } from "node:util";
import { isUint8Array } from "node:util/types";
import { CallerError } from "../../errors.ts";
import { maxTextBytes } from "../../protocol/native/wire/hello-fields.ts";
import { textBytes } from "../messages/text.ts";

/** Throws unless `value` is valid; `name` is the option's name. */
export type Check = (value: unknown, name: string) => void;

/** @throws CallerError `ERR_INVALID_OPTION` unless `fits`. */
export function demand(fits: boolean, name: string, wanted: string, value: unknown): void {
  if (fits) return;
  throw new CallerError("ERR_INVALID_OPTION", `${name} must be ${wanted}, not ${inspect(value)}`);
}

export const isBoolean: Check = (value, name) =>
  demand(typeof value === "boolean", name, "true or false", value);

export function isIntegerFrom(least: number, most: number): Check {
  return (value, name) => {
    const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
    demand(fits, name, `an integer from ${least} to ${most}`, value);
  };
}

/** The platform's timers do not allow more. */
const maxTimeoutMs = 2_147_483_647;

export const isTimeoutMs = isIntegerFrom(1, maxTimeoutMs);
export const isTimeoutMsOrNever = isIntegerFrom(0, maxTimeoutMs);
export const isCount = isIntegerFrom(1, 1_000_000);

/** An absolute path of the platform. With half of a surrogate pair it would name another file. */
export function isPath(value: unknown): value is string {
  return typeof value === "string" && isAbsolute(value) && !value.includes("\0") && value.isWellFormed();
}

export const isDirectory: Check = (value, name) => {
  const fits = value === "runtime" || (isPath(value) && value.startsWith("/"));
  demand(fits, name, 'an absolute path or "runtime"', value);
};

/** The next higher one is reserved for 'no user'. */
const maxUid = 2 ** 32 - 2;

export const isTrust: Check = (value, name) => {
  const isUid = (uid: unknown): boolean =>
    Number.isInteger(uid) && (uid as number) >= 0 && (uid as number) <= maxUid;
  const fits = value === "any" || (Array.isArray(value) && value.every(isUid));
  demand(fits, name, `a list of user ids from 0 to ${maxUid} or "any"`, value);
};

export const isText: Check = (value, name) => {
  const bytes = typeof value === "string" ? textBytes(value) : undefined;
  const fits = bytes !== undefined && bytes.length <= maxTextBytes;
  demand(fits, name, `a string of at most ${maxTextBytes} bytes of UTF-8`, value);
};

/** Those below are the standard streams. */
const minDescriptor = 3;

export const isDescriptor: Check = (value, name) => {
  demand(process.platform !== "win32", name, "left out on Windows", value);
  const isNumber =
    Number.isInteger(value) && (value as number) >= minDescriptor && (value as number) < 2 ** 31;
  demand(value === "systemd" || isNumber, name, `a descriptor from ${minDescriptor} on or "systemd"`, value);
};

export const isProfile: Check = (value, name) =>
  demand(
    ["auto", "classic", "native"].includes(value as string),
    name,
    '"auto", "classic" or "native"',
    value,
  );

export const isSlow: Check = (value, name) =>
  demand(["skip", "drop", "wait"].includes(value as string), name, '"skip", "drop" or "wait"', value);

export const isSet: Check = (value, name) => demand(types.isSet(value), name, "a Set", value);

export const isWaitOrFail: Check = (value, name) =>
  demand(value === "wait" || value === "fail", name, '"wait" or "fail"', value);

export const isAuthenticatedBy: Check = (value, name) =>
  demand(value === "secret" || value === "transport", name, '"secret" or "transport"', value);

export const isFunction: Check = (value, name) =>
  demand(typeof value === "function", name, "a function", value);

/** A program and its arguments. */
export const isCommand: Check = (value, name) => {
  const isPart = (part: unknown): boolean =>
    typeof part === "string" && !part.includes("\0") && part.isWellFormed();
  const fits = Array.isArray(value) && value.length > 0 && value[0] !== "" && value.every(isPart);
  demand(fits, name, "a list of strings, the program and its arguments", value);
};

export const isSignal: Check = (value, name) => demand(isAbortSignal(value), name, "an AbortSignal", value);

/** Checked by its methods: a signal of another realm, such as jsdom's, is not an instance of this realm's class. */
function isAbortSignal(value: unknown): boolean {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Partial<AbortSignal>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  return typeof aborted === "boolean" && listens;
}

/** The same options, each of them set. */
export type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/**
 * The given options, each checked; `undefined` counts as not given.
 *
 * @throws CallerError `ERR_INVALID_OPTION`, also for an option that is not in `checks`.
 */
export function checked<T extends object>(
  options: T,
  checks: Record<keyof T, Check>,
): Complete<Partial<T>> & Partial<T> {
  if (!isPlainObject(options)) {
    throw new CallerError("ERR_INVALID_OPTION", `options must be a plain object, not ${kindOf(options)}`);
  }
  // Without a prototype: properties that another library has added to `Object.prototype` are not options.
  const given: Record<string, unknown> = Object.create(null);
  for (const [name, option] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(", ");
      throw new CallerError("ERR_INVALID_OPTION", `there is no option "${name}"; there are ${known}`);
    }
    if (option === undefined) continue;
    const value = ownOf(option);
    checks[name as keyof T](value, name);
    given[name] = value;
  }
  return given as Complete<Partial<T>> & Partial<T>;
}

/** A copy, so that the checked value is the one that is used, whatever the caller's list or bytes contain later. */
function ownOf(option: unknown): unknown {
  if (Array.isArray(option)) return Object.freeze([...option]);
  if (!isUint8Array(option)) return option;
  // By its intrinsic length, not by what a subclass claims; a detached array has no bytes.
  const length: number = Reflect.get(typedArrayPrototype, "length", option);
  return length === 0 ? new Uint8Array(0) : new Uint8Array(option);
}

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype);

/** A `Map` or an instance of a class would be read as if it had no options. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The kind of the value, without its content, which may be a secret. */
function kindOf(value: unknown): string {
  return typeof value === "object" ? inspect(value, { depth: -1, customInspect: false }) : typeof value;
}
