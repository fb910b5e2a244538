import { SpanKind } from "@opentelemetry/api";
import type { DiagnosticsEvents } from "../index.ts";
import type { Parts } from "./parts.ts";

type MessageEvent = DiagnosticsEvents["sealpipe:message:sent"];

/** A span without a length for each message, and how many there are. A message carries no trace: its two spans are apart. */
export function observeMessages({ tracer, meter, on }: Parts): void {
  const counts = meter.createCounter("sealpipe.messages", {
    description: "Messages that were sent or have arrived",
  });
  const bytes = meter.createCounter("sealpipe.message.bytes", {
    unit: "By",
    description: "The data of them",
  });
  const tell = (operation: "send" | "receive", kind: SpanKind, { type, bytes: size }: MessageEvent): void => {
    const attributes = {
      "messaging.system": "sealpipe",
      "messaging.operation.name": operation,
      "messaging.operation.type": operation,
      "sealpipe.type": type,
    };
    counts.add(1, attributes);
    bytes.add(size, attributes);
    tracer
      .startSpan(`${operation} ${type}`, {
        kind,
        attributes: { ...attributes, "messaging.message.body.size": size },
      })
      .end();
  };
  on<MessageEvent>("sealpipe:message:sent", (event) => tell("send", SpanKind.PRODUCER, event));
  on<MessageEvent>("sealpipe:message:received", (event) => tell("receive", SpanKind.CONSUMER, event));
}
