import { type Client, PeerError } from "../index.ts";
import { invalidOption } from "./option-checks.ts";

/** What a server has to say that it is, as its `application` and `applicationVersion`; what is not given may be anything. */
export interface Expectation {
  readonly application?: string | undefined;
  readonly version?: string | undefined;
}

/** @throws CallerError `ERR_INVALID_OPTION` */
export function checkExpectation(expect: unknown): void {
  if (expect === undefined) return;
  if (typeof expect !== "object" || expect === null) throw invalidOption("expect must be an object");
  for (const [name, value] of Object.entries(expect)) {
    if (name !== "application" && name !== "version") throw invalidOption(`expect has no "${name}"`);
    if (value !== undefined && typeof value !== "string")
      throw invalidOption(`expect.${name} must be a string`);
  }
}

/** How the server to which the client is connected differs from what is expected. */
export interface Mismatch {
  readonly of: "application" | "version";
  readonly error: PeerError;
}

export function mismatchOf(
  { peer }: Client,
  { application, version }: Expectation = {},
  role: "sidecar" | "daemon" | "first instance" = "daemon",
): Mismatch | undefined {
  for (const [of, wanted, found] of [
    ["application", application, peer?.application],
    ["version", version, peer?.applicationVersion],
  ] as const) {
    if (wanted === undefined || wanted === found) continue;
    const said = found === undefined ? "not told, as it is no sealpipe program" : `"${found}"`;
    const message = `the ${role}'s ${of} is ${said}, not "${wanted}"`;
    return { of, error: new PeerError("ERR_SIDECAR_MISMATCH", message) };
  }
  return undefined;
}
