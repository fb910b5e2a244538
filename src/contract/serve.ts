import {
  type Client,
  type ClientOptions,
  type Server,
  type ServerOptions,
  startClient,
  startServer,
} from "../index.ts";
import { type Bound, bind } from "./bind.ts";
import { type Contract, infoOf } from "./contract.ts";
import { offer } from "./description.ts";
import { type HandlersOf, type Implementation, implement } from "./implement.ts";
import type { Members } from "./members.ts";

/** A server that implements a contract. */
export interface Served<M extends Members> extends Omit<Implementation<M, Server>, "stop"> {
  /** Closes the server. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server that implements a contract.
 *
 * @param options As of `startServer`. Of `contracts` that are implemented besides, by `implement`, it tells too.
 * @throws As `startServer` and `implement`.
 *
 * @example
 * ```ts
 * import { connect, contract, method, serve } from "sealpipe/contract";
 * import { z } from "zod";
 *
 * const sums = contract("sums", { add: method(1, { input: z.array(z.number()), output: z.number() }) });
 * await using server = await serve("my-app", sums, {
 *   add: (numbers) => numbers.reduce((sum, number) => sum + number, 0),
 * });
 * await using app = await connect("my-app", sums);
 * console.log(await app.add([1, 2, 3], { timeoutMs: 1000 })); // 6
 * ```
 */
export async function serve<M extends Members>(
  name: string,
  contract: Contract<M>,
  handlers: HandlersOf<M, Server>,
  options: ServerOptions = {},
): Promise<Served<M>> {
  const server = await startServer(name, { ...options, ...withOthers(contract, options) });
  try {
    const { emit, on } = implement(server, contract, handlers);
    const close = () => server.close();
    return Object.freeze({ emit, on, endpoint: server, close, [Symbol.asyncDispose]: close });
  } catch (error) {
    await server.close();
    throw error;
  }
}

/**
 * Connects to the server of that name as a caller of a contract. Resolves once the server is found to mean the same by it.
 *
 * @param options As of `startClient`. `signal` ends the wait for the server's description too.
 * @throws As `startClient` and `bind`.
 */
export async function connect<M extends Members>(
  name: string,
  contract: Contract<M>,
  options: ClientOptions = {},
): Promise<Bound<M, Client>> {
  const client = await startClient(name, { ...options, ...withOthers(contract, options) });
  try {
    return await bind(client, contract, { signal: options.signal });
  } catch (error) {
    client.destroy();
    throw error;
  }
}

function withOthers(contract: Contract, { contracts = [] }: ServerOptions | ClientOptions) {
  const { codec, contracts: own } = offer(contract as Contract);
  const { name } = infoOf(contract as Contract);
  return { codec, contracts: [...own, ...contracts.filter((other) => other.name !== name)] };
}
