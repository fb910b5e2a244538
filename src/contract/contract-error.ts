import { SealpipeError } from "../index.ts";
import type { Method, Received, StreamMember } from "./members.ts";
import type { Issue } from "./validation.ts";

/** Errors that every method and stream may have: `data` are the issues that a schema found. */
export type OwnErrors = {
  readonly ERR_INVALID_INPUT: readonly Issue[];
  readonly ERR_INVALID_OUTPUT: readonly Issue[];
};

/** Every error of a method or a stream, with its code and its data: a union to tell apart by `code`. */
export type ErrorOf<M extends Method | StreamMember> =
  M extends Method<unknown, unknown, infer E>
    ? CodedErrors<E> | OwnErrorOf
    : M extends StreamMember<unknown, unknown, unknown, infer E>
      ? CodedErrors<E> | OwnErrorOf
      : never;

type CodedErrors<E> = { [C in keyof E & string]: ContractError<C, Received<E[C]>> }[keyof E & string];

type OwnErrorOf = { [C in keyof OwnErrors]: ContractError<C, OwnErrors[C]> }[keyof OwnErrors];

/**
 * An error that a contract declares, or data that do not fit one. {@link isError} tells which. Errors that a contract does
 * not know are the library's own, such as `RemoteError`.
 */
export class ContractError<Code extends string = string, Data = unknown> extends SealpipeError {
  readonly fault = "peer";
  declare readonly code: Code;
  /** What the error's schema describes; of `ERR_INVALID_INPUT` and `ERR_INVALID_OUTPUT` the issues. */
  readonly data: Data;
  readonly #member: object;

  /** @internal */
  constructor(
    about: { readonly member: object; readonly code: Code; readonly data: Data },
    message: string,
    options?: ErrorOptions,
  ) {
    super(about.code, message, options);
    this.data = about.data;
    this.#member = about.member;
  }

  /** @internal Whether it is one of that member's. */
  isOf(member: object): boolean {
    return this.#member === member;
  }
}

Object.defineProperty(ContractError.prototype, "name", {
  value: "ContractError",
  configurable: true,
  writable: true,
});

/**
 * Whether an error is one that this method or stream of a contract has, with that code if one is given: then `error.data` has the type
 * of its schema. Without a code `error.code` tells them apart.
 *
 * @example
 * ```ts
 * import { connect, contract, isError, method, serve } from "sealpipe/contract";
 * import { z } from "zod";
 *
 * const files = contract("files", {
 *   size: method(1, { input: z.string(), output: z.number(), errors: { NOT_FOUND: z.string(), BUSY: null } }),
 * });
 * await using server = await serve("my-app", files, { size: (path, { fail }) => fail("NOT_FOUND", path) });
 * await using app = await connect("my-app", files);
 * try {
 *   await app.size("a.txt");
 * } catch (error) {
 *   if (isError(error, files.size, "NOT_FOUND")) console.log("not found:", error.data); // not found: a.txt
 *   else if (isError(error, files.size)) console.log(error.code);
 *   else throw error;
 * }
 * ```
 */
export function isError<M extends Method | StreamMember>(error: unknown, member: M): error is ErrorOf<M>;
export function isError<M extends Method | StreamMember, C extends ErrorOf<M>["code"]>(
  error: unknown,
  member: M,
  code: C,
): error is Extract<ErrorOf<M>, { readonly code: C }>;
export function isError(error: unknown, member: Method | StreamMember, code?: string): boolean {
  if (!(error instanceof ContractError) || !error.isOf(member)) return false;
  return code === undefined || error.code === code;
}
