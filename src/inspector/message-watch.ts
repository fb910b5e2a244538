import type { DiagnosticsEvents } from "../index.ts";
import { type Hearing, otherThan } from "./hearing.ts";
import { keptData } from "./kept-data.ts";
import type { ParsedOptions } from "./options.ts";

type MessageEvent = DiagnosticsEvents["sealpipe:message:sent"];

/** Hears what messages are sent and received. */
export class MessageWatch {
  /** So far. */
  readonly counts = { sent: 0, received: 0, sentBytes: 0, receivedBytes: 0 };

  constructor({ on, add }: Hearing, options: ParsedOptions) {
    const { decoder, payloads } = options;
    const tell = (event: MessageEvent, isSent: boolean, data: object): void => {
      const { type, bytes, side } = event;
      const from = isSent ? side : otherThan(side);
      add(event, { kind: "message", from, type, name: decoder.nameOf("event", type), bytes, ...data });
    };
    on("sealpipe:message:sent", (event) => {
      this.counts.sent += 1;
      this.counts.sentBytes += event.bytes;
      if (!payloads) tell(event, true, {});
    });
    on("sealpipe:message:received", (event) => {
      this.counts.received += 1;
      this.counts.receivedBytes += event.bytes;
      if (!payloads) tell(event, false, {});
    });
    if (!payloads) return;
    // Comes right after one of those.
    on("sealpipe:data", ({ of, kind, isSent, data }) => {
      if (kind !== "message") return;
      const event = of as MessageEvent;
      tell(event, isSent, keptData(options, data, { kind: "event", type: event.type }));
    });
  }
}
