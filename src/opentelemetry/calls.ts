import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { performance } from "node:perf_hooks";
import {
  type Attributes,
  type Context,
  context,
  type Histogram,
  isSpanContextValid,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { TracedCall } from "../index.ts";
import type { Parts } from "./parts.ts";
import { fromWire, toWire } from "./trace-context.ts";

/** What the program calls a request or a stream, if it has a name for it. */
export type CallNaming = (call: TracedCall) => string | undefined;

interface Kind {
  /** The tracing channel. */
  readonly channel: string;
  readonly word: "request" | "stream";
  readonly kind: SpanKind.CLIENT | SpanKind.SERVER;
}

const kinds: readonly Kind[] = [
  { channel: "sealpipe:request", word: "request", kind: SpanKind.CLIENT },
  { channel: "sealpipe:stream", word: "stream", kind: SpanKind.CLIENT },
  { channel: "sealpipe:handler", word: "request", kind: SpanKind.SERVER },
  { channel: "sealpipe:stream-handler", word: "stream", kind: SpanKind.SERVER },
];

interface Call {
  readonly span: Span;
  readonly attributes: Attributes;
  readonly since: number;
}

/** In seconds, as the conventions advise. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** A store whose value is OpenTelemetry's active context while `run` runs: what the handler does belongs to its span. */
class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, A extends unknown[]>(active: Context, act: (...args: A) => R, ...args: A): R {
    return context.with(active, act, undefined, ...args);
  }
}

/** Spans and durations of requests and streams. */
export function observeCalls(parts: Parts, naming: CallNaming): void {
  const durationOf = (side: "client" | "server"): Histogram =>
    parts.meter.createHistogram(`rpc.${side}.call.duration`, {
      unit: "s",
      description: `How long requests and streams take at the ${side === "client" ? "end that asks" : "end that answers"}`,
      advice: { explicitBucketBoundaries: boundaries },
    });
  const durations = { [SpanKind.CLIENT]: durationOf("client"), [SpanKind.SERVER]: durationOf("server") };
  for (const kind of kinds) observe(kind, durations[kind.kind], { parts, naming });
}

interface Observing {
  readonly parts: Parts;
  readonly naming: CallNaming;
}

function observe({ channel, word, kind }: Kind, duration: Histogram, { parts, naming }: Observing): void {
  const calls = new WeakMap<TracedCall, Call>();
  const store = new ActiveContext();
  const { start } = tracingChannel<Context, TracedCall>(channel);
  start.bindStore(store, (call) => {
    const name = naming(call) ?? `${call.type}`;
    const attributes = attributesOf(name, call);
    const parent = parentOf(call);
    const title = naming(call) ?? `${word} ${call.type}`;
    const span = parts.tracer.startSpan(
      title,
      { kind, attributes: { ...attributes, ...sizeOf(call) } },
      parent,
    );
    calls.set(call, { span, attributes, since: performance.now() });
    if (kind === SpanKind.CLIENT) hand(call, span);
    return trace.setSpan(parent, span);
  });
  parts.atEnd(() => void start.unbindStore(store));
  parts.on<TracedCall>(`tracing:${channel}:asyncEnd`, (call) => {
    const begun = calls.get(call);
    if (begun === undefined) return;
    calls.delete(call);
    end(call, begun, duration);
  });
}

/** At the end that answers, the span that asks; where a program hands a trace on by itself, that. */
function parentOf(call: TracedCall): Context {
  const active = context.active();
  const remote = fromWire(call.context);
  return remote === undefined ? active : trace.setSpanContext(active, remote);
}

/** Lets the trace travel, unless the program has said which one should. */
function hand(call: TracedCall, span: Span): void {
  const own = span.spanContext();
  if (call.context === undefined && isSpanContextValid(own)) call.context = toWire(own);
}

function attributesOf(method: string, { endpoint, type }: TracedCall): Attributes {
  const { address } = endpoint as { readonly address?: string };
  return {
    "rpc.system.name": "sealpipe",
    "rpc.method": method,
    "sealpipe.type": type,
    ...(typeof address === "string" && { "server.address": address }),
  };
}

function sizeOf({ bytes }: TracedCall): Attributes {
  return { "sealpipe.request.size": bytes };
}

function end(call: TracedCall, { span, attributes, since }: Call, duration: Histogram): void {
  const { error, answerBytes } = call;
  const failure = error === undefined ? {} : failureOf(error);
  if (answerBytes !== undefined) span.setAttribute("sealpipe.response.size", answerBytes);
  span.setAttributes(failure);
  // The message may have been written with data in it.
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  duration.record((performance.now() - since) / 1000, { ...attributes, ...failure });
}

export function failureOf(error: unknown): Attributes {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  const type = typeof code === "string" ? code : typeof name === "string" ? name : "_OTHER";
  return { "error.type": type, "rpc.response.status_code": type };
}
