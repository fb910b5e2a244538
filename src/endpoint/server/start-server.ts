import { type Address, checkName } from "../../transport/address.ts";
import { providerOf } from "../../transport/providers.ts";
import { addressOf } from "../addresses.ts";
import type { ServerOptions } from "../options/options.ts";
import { type ParsedServerOptions, parseServerOptions } from "../options/parse-options.ts";
import { withSecret } from "../options/secret.ts";
import type { Server } from "./server.ts";

/**
 * Starts a server that clients find by `name`: `/tmp/<name>.sock`, or `\\.\pipe\<name>` on Windows. Resolves once it
 * listens. A socket that a killed server left behind is replaced; a live server's socket, another user's socket and
 * other files are not.
 *
 * @param name Letters, digits, `.`, `_` and `-`; no `..`.
 * @throws CallerError `ERR_INVALID_NAME`, `ERR_ADDRESS_TOO_LONG`, `ERR_INVALID_OPTION`.
 * @throws SystemError `ERR_SECRET_FILE`, `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_UNTRUSTED`, `ERR_NO_RUNTIME_DIRECTORY`, `ERR_LISTEN_FAILED`.
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 *
 * await using server = await startServer("my-app");
 * server.on("connection", async (connection) => {
 *   for await (const { type, text } of connection) {
 *     await connection.write(type, `you said: ${text}`);
 *   }
 * });
 *
 * await using client = await startClient("my-app");
 * await client.write(5, "hello");
 * console.log((await client.read()).text); // you said: hello
 * ```
 */
export async function startServer(name: string, options?: ServerOptions): Promise<Server> {
  const parsed = parseServerOptions(options);
  if (!parsed.listen) return startWithoutAddress(name, parsed);
  const address = addressOf(name, { ...parsed, trust: [] });
  const server = await make(name, address, parsed);
  await server.listen(providerOf(address));
  return server;
}

async function startWithoutAddress(name: string, parsed: ParsedServerOptions): Promise<Server> {
  checkName(name);
  const server = await make(name, { kind: "handed-in", path: "" }, parsed);
  await server.listen(undefined);
  return server;
}

/** Loads what only a server needs: a program that is a client alone does without. */
async function make(name: string, address: Address, parsed: ParsedServerOptions): Promise<Server> {
  const { Server } = await import("./server.ts");
  return new Server(name, address, await withSecret(parsed));
}
