import { createTraceState, isSpanContextValid, type SpanContext } from "@opentelemetry/api";
import type { TraceContext } from "../index.ts";

// W3C Trace Context, version 00: what the wire carries, whatever propagator the program has.

/** What travels of that span. */
export function toWire({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = (traceFlags & 0xff).toString(16).padStart(2, "0");
  const tracestate = traceState?.serialize();
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(tracestate && { tracestate }) };
}

/** The span at the other end, if what has come names one. */
export function fromWire(context: Partial<TraceContext> | undefined): SpanContext | undefined {
  const [, traceId = "", spanId = "", flags = ""] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(context?.traceparent ?? "") ?? [];
  const traceState =
    context?.tracestate === undefined ? {} : { traceState: createTraceState(context.tracestate) };
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, ...traceState };
  return isSpanContextValid(span) ? span : undefined;
}
