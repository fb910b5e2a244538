import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { metrics as globalMetrics, type MeterProvider, type TracerProvider, trace } from "@opentelemetry/api";
import { CallerError, type TracedCall } from "../index.ts";
import { type CallNaming, observeCalls } from "./calls.ts";
import { observeConnections } from "./connections.ts";
import { observeMessages } from "./messages.ts";
import type { Parts } from "./parts.ts";

/** Options of `instrument`. */
export interface InstrumentOptions {
  /** Where spans go. Default: the global one. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Where metrics go. Default: the global one. */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * What a request or a stream is called, as its `rpc.method` and in its span's name: of few values, and none of them data.
   * Default, and for `undefined`: its type, as in `request 5`.
   */
  readonly nameOf?: ((call: TracedCall) => string | undefined) | undefined;
  /** Whether each message has a span and is counted. Default `false`: there may be a million of them a second. */
  readonly messages?: boolean | undefined;
}

/** What `instrument` has begun. */
export interface Instrumentation {
  /** Makes no further spans and measurements; spans that have begun are ended with what they belong to. */
  stop(): void;
}

const name = "sealpipe";
const known = ["tracerProvider", "meterProvider", "nameOf", "messages"];

/**
 * Makes OpenTelemetry's spans and metrics of all endpoints of this process, from now on. Requests and streams have a client span
 * at the end that asks and a server span at the end that answers, in one trace, by the conventions for RPC.
 *
 * Call it once, after your SDK has been set up.
 *
 * @throws CallerError `ERR_INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { startClient, startServer } from "sealpipe";
 * import { instrument } from "sealpipe/opentelemetry";
 *
 * const instrumentation = instrument({ nameOf: ({ type }) => (type === 1 ? "Notes/open" : undefined) });
 *
 * await using server = await startServer("my-app");
 * server.handle(1, ({ context }) => `${context === undefined}`);
 * await using client = await startClient("my-app");
 * console.log((await client.request(1, "")).text); // true
 * instrumentation.stop();
 * ```
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const { tracerProvider, meterProvider, nameOf, messages } = checked(options);
  const undos: (() => void)[] = [];
  const parts: Parts = {
    tracer: (tracerProvider ?? trace.getTracerProvider()).getTracer(name),
    meter: (meterProvider ?? globalMetrics.getMeterProvider()).getMeter(name),
    on(channel, listener) {
      const heard = listener as (event: unknown) => void;
      subscribe(channel, heard);
      undos.push(() => unsubscribe(channel, heard));
    },
    atEnd: (undo) => void undos.push(undo),
  };
  const naming: CallNaming = (call) => nameOf?.(call);
  observeCalls(parts, naming);
  observeConnections(parts);
  if (messages) observeMessages(parts);
  return {
    stop() {
      for (const undo of undos.splice(0)) undo();
    },
  };
}

function checked(options: InstrumentOptions): InstrumentOptions {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalid(`there is no option "${key}"; there are ${known.join(", ")}`);
  }
  const own: InstrumentOptions = Object.assign(Object.create(null), options);
  const { nameOf, messages } = own;
  if (nameOf !== undefined && typeof nameOf !== "function")
    throw invalid("the option nameOf has to be a function");
  if (messages !== undefined && typeof messages !== "boolean")
    throw invalid("the option messages has to be a boolean");
  for (const key of ["tracerProvider", "meterProvider"] as const) {
    if (own[key] !== undefined && typeof own[key] !== "object")
      throw invalid(`the option ${key} has to be an object`);
  }
  return own;
}

function invalid(what: string): CallerError {
  return new CallerError("ERR_INVALID_OPTION", what);
}
