import { CallerError } from "../../errors.ts";
import type { MakeDuplex } from "../../transport/handed-in.ts";
import type { Trust } from "../../transport/trust.ts";

interface Authentication {
  readonly secret?: string | Uint8Array | undefined;
  readonly secretFile?: string | undefined;
  readonly authenticatedBy?: "secret" | "transport" | undefined;
}

interface GivenOfClient extends Authentication {
  readonly transport?: MakeDuplex;
  readonly via?: readonly string[];
  readonly directory?: string;
  readonly privateDirectory?: boolean;
  readonly trust?: Trust;
}

/**
 * Nobody can look at who owns what a program hands in: the ends know each other by a secret, unless that is refused.
 *
 * @throws CallerError `ERR_SECRET_REQUIRED`
 */
export function demandAuthentication({ secret, secretFile, authenticatedBy }: Authentication): void {
  if (secret !== undefined || secretFile !== undefined || authenticatedBy === "transport") return;
  throw new CallerError(
    "ERR_SECRET_REQUIRED",
    "a connection that is not made at an address needs a secret, because it has no owner that could be checked. Give both ends" +
      ' the same secret, or authenticatedBy: "transport" if whatever is at the other end is the right one',
  );
}

/** @throws CallerError `ERR_SECRET_REQUIRED`, or `ERR_INVALID_OPTION` for what goes with addresses alone, or without them. */
export function checkHandedIn(given: GivenOfClient): void {
  const { transport, via, directory, privateDirectory, trust, authenticatedBy } = given;
  const name = transport === undefined ? "via" : "transport";
  if (transport === undefined && via === undefined) {
    refuse(authenticatedBy === "transport", "authenticatedBy", "an address: give a transport or via too");
    return;
  }
  refuse(transport !== undefined && via !== undefined, name, "via: give one of them");
  for (const [option, value] of Object.entries({ directory, privateDirectory, trust })) {
    refuse(value !== undefined, name, `${option}, which is a matter of addresses`);
  }
  demandAuthentication(given);
}

function refuse(conflicts: boolean, name: string, other: string): void {
  if (conflicts) throw new CallerError("ERR_INVALID_OPTION", `${name} does not go together with ${other}`);
}
