import { PortError } from "./port-error.ts";

/** The own options that are given, in a copy. @throws PortError `ERR_INVALID_OPTION` for one that is not known */
export function checkOptions<T extends object>(options: T, known: readonly (keyof T & string)[]): T {
  if (typeof options !== "object" || options === null) throw invalidOption("options must be an object");
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const stranger = given.find(([name]) => !(known as readonly string[]).includes(name));
  if (stranger === undefined) return Object.assign(Object.create(null), Object.fromEntries(given)) as T;
  throw invalidOption(`there is no option "${stranger[0]}"; there are ${known.join(", ")}`);
}

/** @throws PortError `ERR_INVALID_OPTION` */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || typeof Object(signal).addEventListener === "function") return;
  throw invalidOption("signal must be an AbortSignal");
}

export function invalidOption(message: string): PortError {
  return new PortError("ERR_INVALID_OPTION", message);
}
