import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import { AddressWatch } from "./address-watch.ts";
import { connectFailed } from "./connect-failure.ts";
import { connectNet } from "./net-transport.ts";
import type { Transport, TransportProvider } from "./transport.ts";
import { checkAddressTrusted } from "./trust.ts";

/** Unix sockets: files with an owner and a mode, which outlive their servers. */
export const unixSockets: TransportProvider = {
  connect: connectUnixSocket,
  watch: (address, changed) => new AddressWatch(address, changed),

  async listen(address, options) {
    // A client alone never needs these.
    const { bindSocket } = await import("./bound-socket.ts");
    const { UnixSocketListener } = await import("./unix-socket-listener.ts");
    return new UnixSocketListener(address, options, await bindSocket(address, options));
  },
};

/**
 * Checks who holds the address before and again after: between the two it may have changed hands. Nothing was sent by
 * then.
 */
async function connectUnixSocket(address: Address, signal: AbortSignal): Promise<Transport> {
  checkBeforeBytes(address);
  const transport = await connectNet(address, signal);
  try {
    checkBeforeBytes(address);
  } catch (error) {
    transport.destroy();
    throw error;
  }
  return transport;
}

function checkBeforeBytes(address: Address): void {
  try {
    checkAddressTrusted(address);
  } catch (error) {
    throw error instanceof SealpipeError ? error : connectFailed(address, error as Error);
  }
}
