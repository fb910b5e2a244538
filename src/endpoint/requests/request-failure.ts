import { isFailureCode } from "../../protocol/native/failure.ts";

/** Why a request has no answer, as the peer is told it. */
export interface RequestFailure {
  readonly code: string;
  readonly message: string;
}

export function noHandler(type: number): RequestFailure {
  return { code: "ERR_NO_HANDLER", message: `nobody handles requests of type ${type}` };
}

/** What a handler threw. `exposeStacks`: the message goes on with where it was thrown. */
export function failureOf(thrown: unknown, exposeStacks: boolean): RequestFailure {
  try {
    return describe(thrown, exposeStacks);
  } catch {
    // A property of what was thrown threw in turn.
    return { code: "ERR_HANDLER_FAILED", message: unsaid };
  }
}

const unsaid = "the handler threw something that has no message";

function describe(thrown: unknown, exposeStacks: boolean): RequestFailure {
  if (typeof thrown === "string") return { code: "ERR_HANDLER_FAILED", message: thrown };
  // By its properties, not by its class: each realm of the language has an Error of its own.
  const { code, message, stack } = Object(thrown) as Record<"code" | "message" | "stack", unknown>;
  const text = typeof message === "string" ? message : unsaid;
  return {
    code: isFailureCode(code) ? code : "ERR_HANDLER_FAILED",
    message: exposeStacks && typeof stack === "string" ? text + framesOf(stack) : text,
  };
}

/** The lines of a stack that name places, without the name and message before them. */
function framesOf(stack: string): string {
  const start = stack.search(/\n {4}at /);
  return start < 0 ? "" : stack.slice(start);
}
