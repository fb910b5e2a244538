import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { ClientOptions, ServerOptions } from "sealpipe";
import {
  type Bound,
  type Contract,
  connect,
  type Handlers,
  type Members,
  type Schema,
  type SchemaResult,
  type Served,
  serve,
} from "sealpipe/contract";
import { freshName } from "./names.ts";

/** A server that implements a contract and a client that calls it, gone after the test. */
export async function contractPair<M extends Members>(
  t: TestContext,
  contract: Contract<M>,
  handlers: Handlers<M>,
  options: { readonly server?: ServerOptions; readonly client?: ClientOptions } = {},
): Promise<{ server: Served<M>; app: Bound<M> }> {
  const server = await serve(freshName(), contract, handlers, options.server);
  t.after(() => server.close());
  const app = await connectTo(t, server, contract, options.client);
  return { server, app };
}

/** A further client of that server. */
export async function connectTo<M extends Members>(
  t: TestContext,
  server: { readonly endpoint: { readonly name: string } },
  contract: Contract<M>,
  options: ClientOptions = {},
): Promise<Bound<M>> {
  const app = await connect(server.endpoint.name, contract, { retryDelayMs: 5, ...options });
  t.after(() => {
    app.endpoint.destroy();
    return app.close();
  });
  return app;
}

/** A schema that does what it is told, as no good library's does. */
export function schemaThat<Input, Output = Input>(
  validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>,
): Schema<Input, Output> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** Takes anything. */
export const anything = schemaThat<unknown>((value) => ({ value }));

/** What the promise is rejected with. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; data?: unknown }> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );
  assert.ok("error" in outcome, "it was not rejected");
  return outcome.error;
}
