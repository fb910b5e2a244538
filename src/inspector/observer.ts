import type { DiagnosticsAbout } from "../index.ts";
import { CallWatch } from "./call-watch.ts";
import { Calls } from "./calls.ts";
import { Ends } from "./ends.ts";
import { type Happened, type Hearing, Subscriptions } from "./hearing.ts";
import { rounded } from "./latencies.ts";
import { watchLives } from "./lives.ts";
import { MessageWatch } from "./message-watch.ts";
import type { ParsedOptions } from "./options.ts";
import { Timeline } from "./timeline.ts";

/** Hears what the library tells on its diagnostics channels, and keeps it. */
export class Observer {
  readonly timeline: Timeline;
  readonly ends = new Ends();
  readonly calls: Calls;
  readonly messages: MessageWatch;
  /** Sessions that went on, so far. */
  resumes = 0;
  readonly #began = performance.now();
  readonly #subscriptions: Subscriptions;

  constructor(options: ParsedOptions) {
    const { maxEvents, maxBytes, decoder, side } = options;
    this.timeline = new Timeline(maxEvents, maxBytes);
    this.#subscriptions = new Subscriptions(side);
    this.calls = new Calls((kind, type) =>
      decoder.nameOf(kind.startsWith("stream") ? "stream" : "method", type),
    );
    const hearing: Hearing = {
      on: (channel, hear) => this.#subscriptions.on(channel, hear),
      onCall: (channel, part, hear) => this.#subscriptions.on(`tracing:${channel}:${part}`, hear),
      add: (about, happened) => this.#add(about, happened),
    };
    watchLives(hearing, this.ends);
    hearing.on("sealpipe:resumed", () => {
      this.resumes += 1;
    });
    this.messages = new MessageWatch(hearing, options);
    new CallWatch(hearing, options, { calls: this.calls, ends: this.ends }).watch();
  }

  /** Since it began. */
  get nowMs(): number {
    return rounded(performance.now() - this.#began);
  }

  stop(): void {
    this.#subscriptions.stop();
  }

  #add(about: DiagnosticsAbout, { kind, from = about.side, ...rest }: Happened): void {
    this.timeline.add({ ms: this.nowMs, connection: this.ends.numberOf(about), from, kind, ...rest });
  }
}
