import type { Server } from "node:net";
import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import { connectNet, listenFailed, listenNet } from "./net-transport.ts";
import { setReferenced } from "./referenced.ts";
import {
  claimAddress,
  type FileIdentity,
  makeStagingDirectory,
  removeIfSame,
  type StagingDirectory,
} from "./socket-file.ts";
import type { Listener, ListenOptions, TransportProvider } from "./transport.ts";

const ownerOnly = 0o600;
const allUsers = 0o777;

/**
 * Unix sockets. The socket is bound out of sight, in a directory that no one else can enter, and appears at its address
 * in one step with its final mode: the process's umask has no say and there is no moment at which the mode is wrong.
 */
export const unixSockets: TransportProvider = {
  connect: connectNet,
  listen: listenUnixSocket,
};

async function listenUnixSocket(address: Address, options: ListenOptions): Promise<Listener> {
  let staging: StagingDirectory | undefined;
  let server: Server | undefined;
  try {
    staging = await makeStagingDirectory(address);
    server = await listenNet({ path: staging.socketPath }, options);
    const mode = options.openToAllUsers ? allUsers : ownerOnly;
    const identity = await claimAddress(address, { staging, mode, isAlive: options.isAlive });
    return openListener(server, { address, identity, staging });
  } catch (error) {
    server?.close();
    if (error instanceof SealpipeError) throw error;
    throw listenFailed(address, error);
  } finally {
    // What cannot be removed is empty and harms nobody; the server listens all the same.
    await staging?.remove().catch(() => {});
  }
}

interface Shown {
  readonly address: Address;
  readonly identity: FileIdentity;
  readonly staging: StagingDirectory;
}

function openListener(server: Server, { address, identity, staging }: Shown): Listener {
  async function close(): Promise<void> {
    try {
      // The name first, so that no one connects to a server that is about to be gone, and so that the identity still
      // says something: once the server is closed, the system may give the same inode to another's socket.
      await removeIfSame(address.path, identity);
    } finally {
      await closeUnlinkingNothing(server, staging);
    }
  }
  let closing: Promise<void> | undefined;
  return {
    close() {
      closing ??= close();
      return closing;
    },
    setReferenced: (referenced) => setReferenced(server, referenced),
  };
}

/**
 * Node removes the path at which a socket was bound when it is closed, whatever lies there by then. That path is known
 * to all, so another user could have put a link to a directory of ours in the place of the staging directory. For the
 * moment of the close it is ours again; where another has it, the socket stays open, without a name, until we end.
 */
async function closeUnlinkingNothing(server: Server, staging: StagingDirectory): Promise<void> {
  if (!(await staging.restore())) {
    server.unref();
    return;
  }
  server.close();
  await staging.remove();
}
