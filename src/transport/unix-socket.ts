import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import { AddressWatch } from "./address-watch.ts";
import { connectFailed } from "./connect-failure.ts";
import { connectNet } from "./net-transport.ts";
import { type Hold, holdDirectory } from "./private-directory.ts";
import type { Transport, TransportProvider } from "./transport.ts";
import { checkAddressTrusted } from "./trust.ts";

/** Unix sockets: files with an owner and a mode, which outlive their servers. */
export const unixSockets: TransportProvider = {
  connect: connectUnixSocket,
  watch: (address, changed) => new AddressWatch(address, changed),

  async listen(address, options) {
    // A client alone never needs these.
    if (options.fd !== undefined) {
      const { listenInherited } = await import("./inherited-listener.ts");
      const listener = await listenInherited(address, options);
      if (listener !== undefined) return listener;
    }
    const { bindSocket } = await import("./bound-socket.ts");
    const { UnixSocketListener } = await import("./unix-socket-listener.ts");
    return new UnixSocketListener(address, options, await bindSocket(address, options));
  },
};

/**
 * Checks the owner of the address before connecting, and again afterwards, because it may have changed in between.
 * Nothing has been sent by then.
 */
async function connectUnixSocket(address: Address, signal: AbortSignal): Promise<Transport> {
  const hold = explaining(address, () => holdDirectory(address));
  try {
    return await connectChecked(hold, signal);
  } finally {
    hold.release();
  }
}

async function connectChecked({ address }: Hold, signal: AbortSignal): Promise<Transport> {
  explaining(address, () => checkAddressTrusted(address));
  const transport = await connectNet(address, signal);
  try {
    explaining(address, () => checkAddressTrusted(address));
  } catch (error) {
    transport.destroy();
    throw error;
  }
  return transport;
}

function explaining<T>(address: Address, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof SealpipeError ? error : connectFailed(address, error as Error);
  }
}
