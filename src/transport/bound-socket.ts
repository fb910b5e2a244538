import type { Server } from "node:net";
import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import type { FileIdentity } from "./file-identity.ts";
import { listenFailed, listenNet } from "./net-transport.ts";
import { type Hold, holdDirectory } from "./private-directory.ts";
import { claimAddress } from "./socket-file.ts";
import { makeStagingDirectory, removeStaging, type StagingDirectory } from "./staging-directory.ts";
import type { ListenOptions } from "./transport.ts";
import { checkDirectoryOwn } from "./trust.ts";

const ownerOnly = 0o600;
const allUsers = 0o777;

/** A listening socket, and the identity of its file. */
export interface BoundSocket {
  readonly server: Server;
  readonly identity: FileIdentity;
}

/**
 * Binds the socket out of sight, in a directory that nobody else can enter, and then links it to its address in one
 * step with its final mode: the process's umask does not matter, and the mode is wrong at no moment.
 */
export async function bindSocket(address: Address, options: ListenOptions): Promise<BoundSocket> {
  let hold: Hold | undefined;
  try {
    hold = holdDirectory(address);
    return await bindThere(hold.address, options);
  } catch (error) {
    if (error instanceof SealpipeError) throw error;
    throw listenFailed(address, error);
  } finally {
    hold?.release();
  }
}

async function bindThere(address: Address, options: ListenOptions): Promise<BoundSocket> {
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
    throw error;
  } finally {
    if (staging !== undefined) removeIfPossible(staging);
  }
}

function removeIfPossible(staging: StagingDirectory): void {
  try {
    removeStaging(staging);
  } catch {
    // An empty directory harms nobody; the server listens all the same.
  }
}
