import { type Address, checkName } from "../../transport/address.ts";
import type { MakeDuplex } from "../../transport/handed-in.ts";
import { providerOf } from "../../transport/providers.ts";
import type { Dialer } from "../../transport/transport.ts";
import { addressOf } from "../addresses.ts";
import type { ParsedClientOptions } from "../options/parse-options.ts";

/** How a client gets to its server. */
export interface Route {
  readonly address: Address;
  readonly dialer: Dialer;
}

/** How long a command may take until its server is heard, in milliseconds: ssh has to log in first. */
const commandPatienceMs = 30_000;

/**
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 */
export function routeOf(name: string, options: ParsedClientOptions): Route {
  const { transport, via, handshakeTimeoutMs } = options;
  checkName(name);
  if (transport !== undefined) return handedInRoute("the transport", transport, handshakeTimeoutMs);
  if (via === undefined) {
    const address = addressOf(name, options);
    return { address, dialer: providerOf(address) };
  }
  const run: MakeDuplex = async () =>
    new (await import("../../transport/command-stream.ts")).CommandStream(via);
  return handedInRoute(via.join(" "), run, Math.max(handshakeTimeoutMs, commandPatienceMs));
}

/** `shown`: what it is for people. What few clients need is loaded by the first try. */
function handedInRoute(shown: string, make: MakeDuplex, patienceMs: number): Route {
  return {
    address: { kind: "handed-in", path: shown },
    dialer: {
      async connect(address, signal) {
        const { handedIn } = await import("../../transport/handed-in.ts");
        return handedIn(make, patienceMs).connect(address, signal);
      },
    },
  };
}
