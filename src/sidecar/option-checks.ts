import { CallerError } from "../index.ts";

const maxTimeMs = 2_147_483_647;

/** The own options that are given, in a copy. @throws CallerError `ERR_INVALID_OPTION` for one that is not known */
export function ownOptions<T extends object>(options: T, known: readonly string[]): T {
  if (typeof options !== "object" || options === null) throw invalidOption("options must be an object");
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const stranger = given.find(([name]) => !known.includes(name));
  if (stranger === undefined) return Object.fromEntries(given) as T;
  throw invalidOption(`there is no option "${stranger[0]}"; there are ${known.join(", ")}`);
}

/** @throws CallerError `ERR_INVALID_OPTION` */
export function checkInteger(
  name: string,
  value: unknown,
  [min, max]: readonly [number, number] = [1, maxTimeMs],
): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw invalidOption(`${name} must be an integer from ${min} to ${max}, not ${String(value)}`);
}

/** As `checkInteger`, or 0 for never. */
export function checkTimeOrNever(name: string, value: unknown): void {
  checkInteger(name, value, [0, maxTimeMs]);
}

export function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean") throw invalidOption(`${name} must be true or false`);
}

export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw invalidOption(`${name} must be a function`);
}

export function checkSignal(signal: unknown): void {
  if (signal === undefined || typeof Object(signal).addEventListener === "function") return;
  throw invalidOption("signal must be an AbortSignal");
}

/** Options of a client or a server that are decided elsewhere. */
export function checkUndecided(
  options: object | undefined,
  decided: Readonly<Record<string, true>>,
  text: (name: string) => string,
): void {
  const taken = Object.keys(decided).find((name) => Object.hasOwn(options ?? {}, name));
  if (taken !== undefined) throw invalidOption(text(taken));
}

export function invalidOption(message: string): CallerError {
  return new CallerError("ERR_INVALID_OPTION", message);
}
