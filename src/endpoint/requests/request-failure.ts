import { isUint8Array } from "node:util/types";
import { isFailureCode, maxFailureDataBytes } from "../../protocol/native/wire/failure.ts";
import type { Failure } from "../../protocol/session.ts";

export function noHandler(type: number): Failure {
  return { code: "ERR_NO_HANDLER", message: `nobody handles requests of type ${type}` };
}

/** What a handler threw. `exposeStacks`: the message goes on with where it was thrown. */
export function failureOf(thrown: unknown, exposeStacks: boolean): Failure {
  try {
    return describe(thrown, exposeStacks);
  } catch {
    // A property of what was thrown threw in turn.
    return { code: "ERR_HANDLER_FAILED", message: unsaid };
  }
}

/** What is asked of whatever was thrown. */
type Said = "code" | "message" | "stack" | "data";

const unsaid = "the handler threw something that has no message";

function describe(thrown: unknown, exposeStacks: boolean): Failure {
  if (typeof thrown === "string") return { code: "ERR_HANDLER_FAILED", message: thrown };
  // By its properties, not by its class: each realm of the language has an Error of its own.
  const { code, message, stack, data } = Object(thrown) as Record<Said, unknown>;
  const text = typeof message === "string" ? message : unsaid;
  const failure = {
    code: isFailureCode(code) ? code : "ERR_HANDLER_FAILED",
    message: exposeStacks && typeof stack === "string" ? text + framesOf(stack) : text,
  };
  // Without a code of its own the error is none that the application means for its peer.
  if (!isUint8Array(data) || !isFailureCode(code)) return failure;
  if (data.length <= maxFailureDataBytes) return { ...failure, data };
  const most = `${data.length} bytes of data, and ${maxFailureDataBytes} is the most`;
  return { code: "ERR_HANDLER_FAILED", message: `the handler threw an error ${code} with ${most}` };
}

/** The lines of a stack that name places, without the name and message before them. */
function framesOf(stack: string): string {
  const start = stack.search(/\n {4}at /);
  return start < 0 ? "" : stack.slice(start);
}
