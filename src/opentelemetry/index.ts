/**
 * Spans and metrics of OpenTelemetry.
 *
 * @module sealpipe/opentelemetry
 */

export { type Instrumentation, type InstrumentOptions, instrument } from "./instrument.ts";
