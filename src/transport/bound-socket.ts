import type { Server } from "node:net";
import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import type { FileIdentity } from "./file-identity.ts";
import { listenFailed, listenNet } from "./net-transport.ts";
import { claimAddress } from "./socket-file.ts";
import { makeStagingDirectory, removeStaging, type StagingDirectory } from "./staging-directory.ts";
import type { ListenOptions } from "./transport.ts";
import { checkDirectoryOwn } from "./trust.ts";

const ownerOnly = 0o600;
const allUsers = 0o777;

/** A socket that listens, and which file it is at its address. */
export interface BoundSocket {
  readonly server: Server;
  readonly identity: FileIdentity;
}

/**
 * Binds the socket out of sight, in a directory that no one else can enter, and shows it at its address in one step with
 * its final mode: the process's umask has no say and there is no moment at which the mode is wrong.
 */
export async function bindSocket(address: Address, options: ListenOptions): Promise<BoundSocket> {
  let staging: StagingDirectory | undefined;
  let server: Server | undefined;
  try {
    checkDirectoryOwn(address);
    staging = await makeStagingDirectory(address);
    server = await listenNet({ path: staging.socketPath }, options);
    const mode = options.openToAllUsers ? allUsers : ownerOnly;
    const identity = await claimAddress(address, { staging, mode, isAlive: options.isAlive });
    return { server, identity };
  } catch (error) {
    server?.close();
    if (error instanceof SealpipeError) throw error;
    throw listenFailed(address, error);
  } finally {
    if (staging !== undefined) removeIfPossible(staging);
  }
}

function removeIfPossible(staging: StagingDirectory): void {
  try {
    removeStaging(staging);
  } catch {
    // It is empty and harms nobody; the server listens all the same.
  }
}
