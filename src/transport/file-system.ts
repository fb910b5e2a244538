import { hasCode } from "./system-errors.ts";

/** `undefined` if there is no such file; other errors are still thrown. */
export async function ignoreMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
