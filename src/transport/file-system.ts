import { hasCode } from "./system-errors.ts";

/** `undefined` where there is no such file; other errors stay errors. */
export async function ignoreMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
