import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ClientOptions, ServerOptions } from "sealpipe";
import { type Bound, type Contract, connect, type Served, serve } from "sealpipe/contract";
import { type NatsServiceOptions, natsTransport, serveOverNats } from "sealpipe/nats";

type Members = Parameters<typeof serve>[1] extends Contract<infer M> ? M : never;

/** A directory for what JetStream keeps, removed after the test. */
export function storeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "sealpipe-nats-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that implements a contract without methods, over NATS alone unless `options` say otherwise. */
export async function serveEvents<M extends Members>(
  t: TestContext,
  contract: Contract<M>,
  at: {
    readonly name: string;
    readonly nats: NatsConnection;
    readonly options?: ServerOptions;
    readonly service?: NatsServiceOptions;
  },
): Promise<Served<M>> {
  const server = await serve(at.name, contract, {} as never, { listen: false, ...at.options });
  t.after(() => {
    server.endpoint.destroy();
    return server.close();
  });
  serveOverNats(server.endpoint, at.nats, at.name, at.service);
  return server;
}

export async function callerOf<M extends Members>(
  t: TestContext,
  contract: Contract<M>,
  at: { readonly name: string; readonly nats: NatsConnection; readonly options?: ClientOptions },
): Promise<Bound<M>> {
  const transport = natsTransport(at.nats, at.name);
  const pauses = { retryDelayMs: 5, maxRetryDelayMs: 50 };
  const app = await connect(at.name, contract, { transport, ...pauses, ...at.options });
  t.after(() => {
    app.endpoint.destroy();
    return app.close();
  });
  return app;
}
