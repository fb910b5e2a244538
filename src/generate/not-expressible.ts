import { CallerError } from "../index.ts";

/** `place`: a member's name, the part of it, and where in the schema of that part, such as `open.input/properties/path`. */
export function notExpressible(place: string, why: string): CallerError {
  return new CallerError("ERR_NOT_EXPRESSIBLE", `${place}: ${why}`);
}
