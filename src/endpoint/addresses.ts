import { type Address, defaultDirectory, resolveAddress } from "../transport/address.ts";
import type { AddressState } from "../transport/address-states.ts";
import { runtimeDirectory } from "../transport/runtime-directory.ts";
import { ownUid } from "../transport/trust.ts";
import { checked, demand, isBoolean, isDirectory, isPath, isTrust } from "./options/option-checks.ts";
import type { ClientOptions } from "./options/options.ts";
import type { ParsedClientOptions } from "./options/parse-options.ts";

export type { HoldingProcess } from "../transport/address-holder.ts";
export type { AddressState } from "../transport/address-states.ts";

/** Options of `inspectAddress`: as of a client. */
export type InspectOptions = Pick<ClientOptions, "directory" | "privateDirectory" | "trust">;

/**
 * The address of `name` with these options. A server trusts nobody.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 */
export function addressOf(name: string, options: Pick<ParsedClientOptions, keyof InspectOptions>): Address {
  const { directory, privateDirectory, trust } = options;
  const platform = process.platform;
  if (!privateDirectory) return resolveAddress(name, { directory, trust, platform });
  return resolveAddress(name, { directory, privateTo: ownUid(), trust, platform });
}

const checks = { directory: isDirectory, privateDirectory: isBoolean, trust: isTrust };

/**
 * What is at the address of `name`: whether a server listens there, whose process that is, and whether a client would
 * connect to it. Connects to nothing, so that it harms no server.
 *
 * Platform: who listens, and which process that is, is known on Linux. On Windows a pipe that is there is `listening`.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 *
 * @example
 * ```ts
 * import { inspectAddress, startServer } from "sealpipe";
 *
 * console.log((await inspectAddress("my-app")).state); // free
 * await using server = await startServer("my-app");
 * const { address, state } = await inspectAddress("my-app");
 * console.log(address === server.address, state !== "free"); // true true
 * ```
 */
export async function inspectAddress(name: string, options: InspectOptions = {}): Promise<AddressState> {
  const { directory = defaultDirectory, privateDirectory = false, trust = [] } = checked(options, checks);
  const address = addressOf(name, { directory, privateDirectory, trust });
  const { pipeStates, statesOf } = await import("../transport/address-states.ts");
  const states = address.kind === "named-pipe" ? pipeStates([address]) : await statesOf([address]);
  return states[0] as AddressState;
}

/**
 * What is at all addresses that there are: the sockets in `/tmp`, in this user's own directories, in those of `directories`, and
 * in each directory in which a sealpipe server listens. Connects to nothing. Other programs' sockets whose names end in
 * `.sock` are among them.
 *
 * Platform: on Windows all pipes of the machine, as nothing shows whose they are; `directories` is not used.
 *
 * @throws CallerError `ERR_INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { listAddresses, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * const states = await listAddresses();
 * console.log(states.some(({ address }) => address === server.address)); // true
 * ```
 */
export async function listAddresses(options: ListOptions = {}): Promise<AddressState[]> {
  const { directories = [] } = checked(options, { directories: areDirectories });
  const { allPipes, listeningDirectories, pipeStates, privateDirectoriesIn, socketsIn, statesOf } =
    await import("../transport/address-states.ts");
  if (process.platform === "win32") return pipeStates(allPipes());
  const open = [defaultDirectory, ...directories, ...runtimeDirectories(), ...(await listeningDirectories())];
  const everywhere = open.flatMap((directory) => [directory, ...privateDirectoriesIn(directory)]);
  const paths = socketsIn(everywhere);
  return statesOf(paths.map((path): Address => ({ kind: "unix-socket", path })));
}

/** Options of `listAddresses`. */
export interface ListOptions {
  /** Absolute paths of directories in which to look as well. Default `[]`. */
  readonly directories?: readonly string[] | undefined;
}

function areDirectories(value: unknown, name: string): void {
  const fits = Array.isArray(value) && value.every((path) => isPath(path) && path.startsWith("/"));
  demand(fits, name, "a list of absolute paths", value);
}

/** This user's own, if there is one. */
function runtimeDirectories(): string[] {
  try {
    return [runtimeDirectory(process.platform)];
  } catch {
    return [];
  }
}
