import { adminOperations } from "../../protocol/native/wire/admin.ts";
import { setImmediate } from "../../transport/timers.ts";
import { invalidArgument } from "../handlers.ts";
import type { IncomingRequest, RequestHandler } from "../requests/request.ts";

/** A client asks the server to shut down. */
export interface ShutdownRequest<C> {
  /** What the client says about why; may be empty. */
  readonly reason: string;
  /** The connection of the client that asks. */
  readonly connection: C;
}

/** Shuts the program down: closes the server, and whatever else ends with it. */
export type ShutdownHandler<C> = (request: ShutdownRequest<C>) => Promise<void> | void;

export interface AdminOptions<C> {
  /** The text of the server's description. */
  describe(): string;
  /** A handler of a shutdown threw. */
  failed(error: unknown, connection: C): void;
}

/**
 * A server's answers to requests to the library itself. What the application did not allow has no handler. Source:
 * spec/protocol.md, "Admin".
 */
export class AdminHandlers<C, R extends IncomingRequest & { readonly connection: C }> {
  readonly #options: AdminOptions<C>;
  #describes = false;
  #shutdown: ShutdownHandler<C> | undefined;
  #isShuttingDown = false;

  constructor(options: AdminOptions<C>) {
    this.#options = options;
  }

  /** Returns a function that forbids it again. */
  allowDescribe(): () => void {
    this.#describes = true;
    return () => {
      this.#describes = false;
    };
  }

  /** Returns a function that removes the handler. @throws CallerError `ERR_INVALID_ARGUMENT` */
  allowShutdown(handler: ShutdownHandler<C>): () => void {
    if (typeof handler !== "function") throw invalidArgument("a handler of shutdowns must be a function");
    if (this.#shutdown !== undefined) throw invalidArgument("shutdowns have a handler already");
    this.#shutdown = handler;
    return () => {
      if (this.#shutdown === handler) this.#shutdown = undefined;
    };
  }

  find(operation: number): RequestHandler<R> | undefined {
    if (operation === adminOperations.describe && this.#describes) return () => this.#options.describe();
    const shutdown = this.#shutdown;
    if (operation !== adminOperations.shutdown || shutdown === undefined) return undefined;
    return ({ text: reason, connection }) => this.#begin(shutdown, { reason, connection });
  }

  /** The answer leaves before the handler, which may end the process, begins. */
  #begin(handler: ShutdownHandler<C>, request: ShutdownRequest<C>): undefined {
    if (this.#isShuttingDown) return;
    this.#isShuttingDown = true;
    setImmediate(() => void this.#run(handler, request));
  }

  async #run(handler: ShutdownHandler<C>, request: ShutdownRequest<C>): Promise<void> {
    try {
      await handler(request);
    } catch (error) {
      this.#options.failed(error, request.connection);
    } finally {
      // A handler that closed nothing may be asked again.
      this.#isShuttingDown = false;
    }
  }
}
