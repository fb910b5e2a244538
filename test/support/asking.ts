import type { TestContext } from "node:test";
import type { Client, ClientOptions, Connection, RequestHandler, ServerOptions } from "sealpipe";
import { connectedPair } from "./endpoints.ts";

/** An end as one that handles requests, whichever it is. */
export interface Handling {
  handle(type: number, handler: RequestHandler): () => void;
}

/** Two connected ends: one that asks, and one that answers. */
export interface Asking {
  readonly asker: Client | Connection;
  readonly answerer: (Client | Connection) & Handling;
  readonly client: Client;
  readonly connection: Connection;
}

type Options = { server?: ServerOptions; client?: ClientOptions };

/** Both directions, for tests that hold for each. */
export const directions = {
  "a client that asks its server": async (t: TestContext, options: Options = {}): Promise<Asking> => {
    const { client, connection } = await connectedPair(t, options);
    return { asker: client, answerer: connection as Connection & Handling, client, connection };
  },
  "a server that asks its client": async (t: TestContext, options: Options = {}): Promise<Asking> => {
    const { client, connection } = await connectedPair(t, options);
    return { asker: connection, answerer: client, client, connection };
  },
};

/** The code that a promise rejects with, the message where there is none, or what it resolves with. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}
