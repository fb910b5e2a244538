import { SealpipeError } from "../errors.ts";
import type { Address } from "./address.ts";
import { bindSocket } from "./bound-socket.ts";
import { connectFailed, connectNet } from "./net-transport.ts";
import type { Transport, TransportProvider } from "./transport.ts";
import { checkAddressTrusted } from "./trust.ts";
import { UnixSocketListener } from "./unix-socket-listener.ts";

/** Unix sockets: files with an owner and a mode, which outlive their servers. */
export const unixSockets: TransportProvider = {
  connect: connectUnixSocket,

  async listen(address, options) {
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
