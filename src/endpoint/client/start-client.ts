import type { ClientOptions } from "../options/options.ts";
import { parseClientOptions } from "../options/parse-options.ts";
import { Client } from "./client.ts";
import { routeOf } from "./route.ts";

/**
 * Connects to the server with that name. Resolves once connected; waits for a server that is not there yet.
 *
 * @param name The server's name.
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`, `ERR_SECRET_REQUIRED`.
 * @throws SystemError `ERR_CONNECT_TIMEOUT`, `ERR_CONNECT_FAILED`, `ERR_ADDRESS_UNTRUSTED`, `ERR_NO_RUNTIME_DIRECTORY`,
 *   `ERR_SECRET_FILE`.
 * @throws PeerError `ERR_ENCRYPTION_REQUIRED`, `ERR_VERSION_MISMATCH`, `ERR_AUTHENTICATION_FAILED`,
 * `ERR_PEER_NOT_NATIVE`, or another failure of the handshake that another try cannot mend.
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * await using client = await startClient("my-app", { connectTimeoutMs: 5000 });
 * await client.write(5, "Message from client");
 * const { type, text } = await server.read();
 * console.log(type, text); // 5 Message from client
 * ```
 */
export async function startClient(name: string, options?: ClientOptions): Promise<Client> {
  const parsed = parseClientOptions(options);
  const client = new Client(name, routeOf(name, parsed), parsed);
  await client.connect(parsed.signal);
  return client;
}

/**
 * The same without the wait: returns the client at once, with the status `connecting`, so that a program can show its
 * `status`, listen to its `error` events, write its first messages, or close it before there is a server. If the
 * client cannot connect for good, its `status` becomes `error` or `timeout`, with an `error` event, and pending reads
 * are rejected.
 *
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`, `ERR_SECRET_REQUIRED`.
 * @throws SystemError `ERR_NO_RUNTIME_DIRECTORY`.
 *
 * @example
 * ```ts
 * import { createClient, startServer } from "sealpipe";
 *
 * const client = createClient("my-app");
 * console.log(client.status); // connecting
 * await client.write(1, "hello");
 *
 * await using server = await startServer("my-app");
 * console.log((await server.read()).text, client.status); // hello connected
 * await client.close();
 * ```
 */
export function createClient(name: string, options?: ClientOptions): Client {
  const parsed = parseClientOptions(options);
  const client = new Client(name, routeOf(name, parsed), parsed);
  // Its status and an event report the failure.
  client.connect(parsed.signal).catch(() => {});
  return client;
}
