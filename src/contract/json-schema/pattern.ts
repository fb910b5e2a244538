import { type Compiling, refuse } from "./compiling.ts";

/** @throws CallerError `ERR_INVALID_ARGUMENT` for what is no regular expression of ECMAScript's. */
export function patternOf(pattern: unknown, at: Compiling): RegExp {
  if (typeof pattern !== "string") return refuse(at, "no text");
  // Schemas are also written for expressions without `u`, in which more may be escaped than has to be.
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags);
    } catch {}
  }
  return refuse(at, "no regular expression");
}
