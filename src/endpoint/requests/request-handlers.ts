import { CallerError } from "../../errors.ts";
import { checkType } from "../../protocol/message.ts";
import type { IncomingRequest, RequestHandler } from "./request.ts";

/** Who handles requests of which type: one handler for each. */
export class RequestHandlers<R extends IncomingRequest> {
  /** `undefined` is for all types that have none. */
  readonly #handlers = new Map<number | undefined, RequestHandler<R>>();
  readonly #others: RequestHandlers<R> | undefined;

  /** `others` are asked for the types that nobody handles here: a server's, for its connections. */
  constructor(others?: RequestHandlers<R>) {
    this.#others = others;
  }

  /**
   * @returns Takes the handler away again; what it has begun goes on.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`
   */
  add(type: number, handler: RequestHandler<R>): () => void {
    checkType(type);
    return this.#add(type, handler, `requests of type ${type} have`);
  }

  /**
   * For the types that nobody handles here, nor, of a connection's, at its server.
   *
   * @returns As `add`.
   * @throws CallerError `ERR_INVALID_ARGUMENT`
   */
  addForAny(handler: RequestHandler<R>): () => void {
    return this.#add(undefined, handler, "requests of any type have");
  }

  #add(type: number | undefined, handler: RequestHandler<R>, which: string): () => void {
    if (typeof handler !== "function") throw invalidArgument("a request's handler must be a function");
    if (this.#handlers.has(type)) throw invalidArgument(`${which} a handler already`);
    this.#handlers.set(type, handler);
    let added = true;
    return () => {
      if (added) this.#handlers.delete(type);
      added = false;
    };
  }

  find(type: number): RequestHandler<R> | undefined {
    return this.#findOwn(type) ?? this.#findOwn(undefined);
  }

  #findOwn(type: number | undefined): RequestHandler<R> | undefined {
    const own = this.#handlers.get(type);
    return own === undefined && this.#others !== undefined ? this.#others.#findOwn(type) : own;
  }
}

function invalidArgument(message: string): CallerError {
  return new CallerError("ERR_INVALID_ARGUMENT", message);
}
