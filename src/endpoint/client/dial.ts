import type { Duplex } from "node:stream";
import { providerOf } from "../../transport/providers.ts";
import { addressOf } from "../addresses.ts";
import type { ClientOptions } from "../options/options.ts";
import { parseDialOptions } from "../options/parse-options.ts";

/** Options of `dial`: those of `startClient` that say where a server is, and whose it may be. */
export type DialOptions = Pick<ClientOptions, "directory" | "privateDirectory" | "trust" | "signal">;

/**
 * Connects to the address of a server, and gives what comes and goes there as a duplex stream of bytes, for a program that passes
 * them on: it is what `sealpipe dial` does. Who owns the address is checked as by a client. Tries once. The protocol is that of the
 * two ends, which this does not take part in.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`.
 * @throws SystemError `ERR_CONNECT_FAILED`, `ERR_ADDRESS_UNTRUSTED`, `ERR_NO_RUNTIME_DIRECTORY`; the signal's reason.
 *
 * @example
 * ```ts
 * import { dial, startClient, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * server.handle(1, ({ text }) => text.toUpperCase());
 *
 * const transport = () => dial("my-app");
 * await using client = await startClient("my-app", { transport, authenticatedBy: "transport" });
 * console.log((await client.request(1, "hello")).text); // HELLO
 * ```
 */
export async function dial(name: string, options: DialOptions = {}): Promise<Duplex> {
  const parsed = parseDialOptions(options);
  const address = addressOf(name, parsed);
  const transport = await providerOf(address).connect(address, parsed.signal ?? new AbortController().signal);
  const { TransportStream } = await import("../../transport/transport-stream.ts");
  return new TransportStream(transport);
}
