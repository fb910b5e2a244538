import { CallerError } from "../errors.ts";
import { checkType } from "../protocol/message.ts";

/** What is handled, for error messages. */
export type Handled = "requests" | "streams";

/** The handlers of requests or of streams, one for each type. */
export class Handlers<H> {
  readonly #what: Handled;
  /** The key `undefined` is for all types without a handler. Made for the first: most connections have none of their own. */
  #handlers: Map<number | undefined, H> | undefined;
  readonly #others: Handlers<H> | undefined;

  /** `others` are used for types that have no handler here: for a connection, its server's. */
  constructor(what: Handled, others?: Handlers<H>) {
    this.#what = what;
    this.#others = others;
  }

  /**
   * @returns A function that removes the handler; calls of it that have begun go on.
   * @throws CallerError `ERR_RESERVED_TYPE`, `ERR_TYPE_OUT_OF_RANGE`, `ERR_INVALID_ARGUMENT`
   */
  add(type: number, handler: H): () => void {
    checkType(type);
    return this.#add(type, handler, `${this.#what} of type ${type} have`);
  }

  /**
   * For types that have no handler here nor, on a connection, at its server.
   *
   * @returns As `add`.
   * @throws CallerError `ERR_INVALID_ARGUMENT`
   */
  addForAny(handler: H): () => void {
    return this.#add(undefined, handler, `${this.#what} of any type have`);
  }

  #add(type: number | undefined, handler: H, which: string): () => void {
    if (typeof handler !== "function") throw invalidArgument(`a handler of ${this.#what} must be a function`);
    this.#handlers ??= new Map();
    const handlers = this.#handlers;
    if (handlers.has(type)) throw invalidArgument(`${which} a handler already`);
    handlers.set(type, handler);
    let added = true;
    return () => {
      if (added) handlers.delete(type);
      added = false;
    };
  }

  /** The types that have a handler of their own here. */
  get types(): number[] {
    return [...(this.#handlers?.keys() ?? [])].filter((type) => type !== undefined);
  }

  find(type: number): H | undefined {
    return this.#findOwn(type) ?? this.#findOwn(undefined);
  }

  #findOwn(type: number | undefined): H | undefined {
    const own = this.#handlers?.get(type);
    return own === undefined && this.#others !== undefined ? this.#others.#findOwn(type) : own;
  }
}

export function invalidArgument(message: string): CallerError {
  return new CallerError("ERR_INVALID_ARGUMENT", message);
}
