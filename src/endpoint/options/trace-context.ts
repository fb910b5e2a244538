import {
  isTracestate,
  knownTraceparent,
  maxTracestateBytes,
} from "../../protocol/native/wire/trace-context.ts";
import type { TraceContext } from "../../protocol/session.ts";
import { demand } from "./option-checks.ts";

export type { TraceContext };

/**
 * A checked copy of what may be the carrier of a tracing library, with other fields besides. One without a `traceparent`
 * is no context: there is no trace at the moment.
 *
 * @throws CallerError `ERR_INVALID_OPTION`
 */
export function ownContext(context: unknown): TraceContext | undefined {
  if (context === undefined) return undefined;
  demand(typeof context === "object" && context !== null, "context", "an object", context);
  const { traceparent, tracestate } = context as Record<keyof TraceContext, unknown>;
  if (traceparent === undefined) return undefined;
  const known = typeof traceparent === "string" ? knownTraceparent(traceparent) : undefined;
  demand(known !== undefined, "context.traceparent", "a traceparent of W3C Trace Context", traceparent);
  const isState = tracestate === undefined || (typeof tracestate === "string" && isTracestate(tracestate));
  const wanted = `a string of at most ${maxTracestateBytes} printable ASCII characters`;
  demand(isState, "context.tracestate", wanted, tracestate);
  const own = { traceparent: known as string };
  return tracestate === undefined || tracestate === "" ? own : { ...own, tracestate: tracestate as string };
}
