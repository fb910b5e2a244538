import { isUint8Array } from "node:util/types";
import { CallerError } from "../../errors.ts";
import type { ProfileChoice } from "../../protocol/handshake/options.ts";
import { maxSecretBytes } from "../../protocol/limits.ts";
import { textBytes } from "../messages/text.ts";
import { isPath } from "./option-checks.ts";

/** The checked options: at most one of the two. */
export interface ParsedSecret {
  readonly secret: Uint8Array | undefined;
  readonly secretFile: string | undefined;
}

/** @throws CallerError `ERR_INVALID_OPTION`, which does not show the value. */
export function checkSecret(value: unknown, name: string): void {
  const bytes = typeof value === "string" ? textBytes(value) : value;
  const length = isUint8Array(bytes) ? bytes.length : 0;
  if (length >= 1 && length <= maxSecretBytes) return;
  throw new CallerError(
    "ERR_INVALID_OPTION",
    `${name} must be a string or a Uint8Array of 1 to ${maxSecretBytes} bytes`,
  );
}

/** @throws CallerError `ERR_INVALID_OPTION`, which does not show the value: it may be the secret, by mistake. */
export function checkSecretFile(value: unknown, name: string): void {
  if (isPath(value)) return;
  throw new CallerError("ERR_INVALID_OPTION", `${name} must be the absolute path of a file`);
}

/**
 * The secret of options that are each checked already, in bytes. @throws CallerError `ERR_INVALID_OPTION` if they
 * conflict.
 */
export function parseSecret(given: {
  readonly secret?: string | Uint8Array;
  readonly secretFile?: string;
  readonly profile?: ProfileChoice;
  readonly encryption?: boolean;
  readonly authenticatedBy?: "secret" | "transport";
}): ParsedSecret {
  const { secret, secretFile, profile, encryption, authenticatedBy } = given;
  if (secret === undefined && secretFile === undefined) return { secret, secretFile };
  const name = secret === undefined ? "secretFile" : "secret";
  const conflict = conflictOf([
    [secret !== undefined && secretFile !== undefined, "secretFile: give one of them"],
    [profile === "classic", 'profile "classic": golang-ipc\'s protocol has no place for it'],
    [encryption === false, "encryption false: it is what the keys are made with"],
    [authenticatedBy === "transport", 'authenticatedBy "transport": one of them authenticates'],
  ]);
  if (conflict !== undefined) {
    throw new CallerError("ERR_INVALID_OPTION", `${name} does not go together with ${conflict}`);
  }
  return { secret: typeof secret === "string" ? textBytes(secret) : secret, secretFile };
}

/**
 * The same options with the secret in place of its file, which is created if there is none yet.
 * @throws SystemError `ERR_SECRET_FILE`
 */
export async function withSecret<T extends ParsedSecret>(options: T): Promise<T> {
  if (options.secretFile === undefined) return options;
  const { readSecretFile } = await import("./secret-file.ts");
  return { ...options, secret: await readSecretFile(options.secretFile), secretFile: undefined };
}

function conflictOf(conflicts: readonly (readonly [boolean, string])[]): string | undefined {
  return conflicts.find(([is]) => is)?.[1];
}
