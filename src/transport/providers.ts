import type { Address } from "./address.ts";
import { namedPipes } from "./named-pipe.ts";
import type { TransportProvider } from "./transport.ts";
import { unixSockets } from "./unix-socket.ts";

/** The transports of addresses of that kind. */
export function providerOf({ kind }: Pick<Address, "kind">): TransportProvider {
  return kind === "named-pipe" ? namedPipes : unixSockets;
}
