import { isUint8Array } from "node:util/types";
import { isFailureCode, maxFailureDataBytes } from "../../protocol/native/wire/failure.ts";
import type { Failure } from "../../protocol/session.ts";

export function noHandler(type: number): Failure {
  return { code: "ERR_NO_HANDLER", message: `nobody handles requests of type ${type}` };
}

export function notAllowed(): Failure {
  return { code: "ERR_NOT_ALLOWED", message: "the server's application does not allow this" };
}

/** The failure for what a handler threw. `exposeStacks`: the stack follows the message. */
export function failureOf(thrown: unknown, exposeStacks: boolean): Failure {
  try {
    return describe(thrown, exposeStacks);
  } catch {
    // Reading a property of the thrown value threw in turn.
    return { code: "ERR_HANDLER_FAILED", message: unsaid };
  }
}

/** The properties that are read from the thrown value. */
type Said = "code" | "message" | "stack" | "data";

const unsaid = "the handler threw something that has no message";

function describe(thrown: unknown, exposeStacks: boolean): Failure {
  if (typeof thrown === "string") return { code: "ERR_HANDLER_FAILED", message: thrown };
  // By its properties, not by its class: each realm has an `Error` of its own.
  const { code, message, stack, data } = Object(thrown) as Record<Said, unknown>;
  const text = typeof message === "string" ? message : unsaid;
  const failure = {
    code: isFailureCode(code) ? code : "ERR_HANDLER_FAILED",
    message: exposeStacks && typeof stack === "string" ? text + framesOf(stack) : text,
  };
  // Without a code of its own the error is not meant for the peer.
  if (!isUint8Array(data) || !isFailureCode(code)) return failure;
  if (data.length <= maxFailureDataBytes) return { ...failure, data };
  const most = `${data.length} bytes of data, and ${maxFailureDataBytes} is the max`;
  return { code: "ERR_HANDLER_FAILED", message: `the handler threw an error ${code} with ${most}` };
}

/** The frames of a stack, without the name and message before them. */
function framesOf(stack: string): string {
  const start = stack.search(/\n {4}at /);
  return start < 0 ? "" : stack.slice(start);
}
