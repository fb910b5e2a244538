import { CallerError } from "../../errors.ts";
import { checkType } from "../../protocol/message.ts";
import type { IncomingRequest, RequestHandler } from "./request.ts";

/** Who handles requests of which type: one handler for each. */
export class RequestHandlers<R extends IncomingRequest> {
  readonly #handlers = new Map<number, RequestHandler<R>>();
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
    if (typeof handler !== "function") throw invalidArgument("a request's handler must be a function");
    if (this.#handlers.has(type)) throw invalidArgument(`requests of type ${type} have a handler already`);
    this.#handlers.set(type, handler);
    let added = true;
    return () => {
      if (added) this.#handlers.delete(type);
      added = false;
    };
  }

  find(type: number): RequestHandler<R> | undefined {
    return this.#handlers.get(type) ?? this.#others?.find(type);
  }
}

function invalidArgument(message: string): CallerError {
  return new CallerError("ERR_INVALID_ARGUMENT", message);
}
