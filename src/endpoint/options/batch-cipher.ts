import { demand } from "./option-checks.ts";

const variable = "SEALPIPE_BATCH_CIPHER";

/**
 * Whether runs of short messages are sealed and opened by the library's own AES-GCM: yes, unless the option or the
 * environment turns that off. The variable is for a program's users, the option for its authors.
 *
 * @throws CallerError `ERR_INVALID_OPTION`
 */
export function parseBatchCipher(
  option: boolean | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const value = environment[variable];
  const fits = value === undefined || value === "0" || value === "1";
  demand(fits, `the environment variable ${variable}`, '"0" or "1"', value);
  return option !== false && value !== "0";
}
