import type { DiagnosticsAbout, DiagnosticsData, TracedCall } from "../index.ts";
import type { Calls } from "./calls.ts";
import type { Ends } from "./ends.ts";
import type { CallState, Side } from "./event.ts";
import { type Hearing, otherThan } from "./hearing.ts";
import { type DataFields, keptData } from "./kept-data.ts";
import { rounded } from "./latencies.ts";
import { codeOf } from "./lives.ts";
import type { ParsedOptions } from "./options.ts";

/** A request or a stream that is not over. */
interface Running {
  readonly id: number;
  readonly kind: CallState["kind"];
  readonly call: TracedCall;
  readonly since: number;
  /** Who has asked. */
  readonly from: Side;
  answer: DataFields | undefined;
}

const kinds = ["request", "handler", "stream", "stream-handler"] as const;

/** Hears of requests and streams, at the end that asks and at the one that answers. */
export class CallWatch {
  readonly #hearing: Hearing;
  readonly #options: ParsedOptions;
  readonly #calls: Calls;
  readonly #ends: Ends;
  readonly #running = new Map<object, Running>();
  /** Streams, by their end and their number there: items are joined with them. */
  readonly #streams = new Map<string, Running>();
  #lastId = 0;

  constructor(
    hearing: Hearing,
    options: ParsedOptions,
    { calls, ends }: { readonly calls: Calls; readonly ends: Ends },
  ) {
    this.#hearing = hearing;
    this.#options = options;
    this.#calls = calls;
    this.#ends = ends;
  }

  watch(): void {
    for (const kind of kinds) {
      this.#hearing.onCall(`sealpipe:${kind}`, "start", (call) => this.#began(kind, call));
      this.#hearing.onCall(`sealpipe:${kind}`, "asyncEnd", (call) => this.#ended(call));
    }
    if (this.#options.payloads) this.#hearing.on("sealpipe:data", (event) => this.#heard(event));
  }

  #began(kind: CallState["kind"], call: TracedCall): void {
    this.#lastId += 1;
    const isOwn = kind === "request" || kind === "stream";
    const from = isOwn ? call.side : otherThan(call.side);
    const running = { id: this.#lastId, kind, call, since: performance.now(), from, answer: undefined };
    this.#running.set(call, running);
    this.#calls.began(kind, call.type);
    if (!this.#options.payloads) this.#tellBegin(running, { bytes: call.bytes });
  }

  #tellBegin({ id, kind, call, from }: Running, data: DataFields): void {
    const { type } = call;
    const name = this.#options.decoder.nameOf(memberOf(kind), type);
    const word = isStream(kind) ? "stream" : "request";
    this.#hearing.add(call, { kind: word, from, id, type, name, ...data });
  }

  /** The data of a call that has begun, of its answer, or an item. */
  #heard({ of, kind, isSent, data }: DiagnosticsData): void {
    if (kind === "item") {
      this.#item(of as ItemOf, { isSent, data });
      return;
    }
    const running = this.#running.get(of);
    if (running === undefined) return;
    const kept = keptData(this.#options, data, { kind: memberOf(running.kind), type: running.call.type });
    if (kind === "answer") running.answer = kept;
    else this.#tellBegin(running, kept);
  }

  #item(of: ItemOf, { isSent, data }: { readonly isSent: boolean; readonly data: unknown }): void {
    const running = this.#streamOf(of);
    if (running === undefined) return;
    const kept = keptData(this.#options, data, { kind: "stream", type: running.call.type });
    const from = isSent ? of.side : otherThan(of.side);
    this.#hearing.add(of, { kind: "item", from, id: running.id, ...kept });
  }

  /** Its number is known once it is open, which nothing tells. */
  #streamOf(of: ItemOf): Running | undefined {
    const key = this.#streamKey(of);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    for (const running of this.#running.values()) {
      const { endpoint, stream } = running.call;
      if (endpoint !== of.endpoint || stream !== of.stream) continue;
      this.#streams.set(key, running);
      return running;
    }
    return undefined;
  }

  #streamKey(of: ItemOf | TracedCall): string {
    return `${this.#ends.numberOf(of)} ${of.stream}`;
  }

  #ended(call: TracedCall): void {
    const running = this.#running.get(call);
    // It began before the inspector did.
    if (running === undefined) return;
    this.#running.delete(call);
    const { id, kind, since, from, answer } = running;
    const tookMs = rounded(performance.now() - since);
    const { type, error } = call;
    this.#calls.ended(kind, type, { ms: tookMs, failed: error !== undefined });
    if (isStream(kind)) this.#streamEnded(running, tookMs);
    else {
      const failure = error === undefined ? undefined : this.#failure(error);
      const word = failure === undefined ? "answer" : "failure";
      const data = failure ?? answer ?? { bytes: call.answerBytes };
      this.#hearing.add(call, { kind: word, from: otherThan(from), id, tookMs, ...data });
    }
  }

  #streamEnded({ id, call, from }: Running, tookMs: number): void {
    const key = this.#streamKey(call);
    if (this.#streams.get(key)?.id === id) this.#streams.delete(key);
    if (call.error !== undefined) {
      const failure = this.#failure(call.error);
      this.#hearing.add(call, { kind: "reset", from: otherThan(from), id, tookMs, ...failure });
      return;
    }
    this.#hearing.add(call, { kind: "end", from, id });
    this.#hearing.add(call, { kind: "end", from: otherThan(from), id, tookMs });
  }

  #failure(error: unknown): { readonly code: string | undefined; readonly message?: string } {
    const { message } = Object(error) as { readonly message?: unknown };
    const isKept = this.#options.payloads && typeof message === "string";
    return { code: codeOf(error), ...(isKept && { message: message.slice(0, 1000) }) };
  }
}

type ItemOf = DiagnosticsAbout & { readonly stream?: number | undefined };

function isStream(kind: CallState["kind"]): boolean {
  return kind.startsWith("stream");
}

function memberOf(kind: CallState["kind"]): "stream" | "method" {
  return isStream(kind) ? "stream" : "method";
}
