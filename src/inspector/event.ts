// What the page is told: one JSON object a line.

export type Side = "client" | "server";

/** What happened to a connection besides what a recording has. */
export type LifeKind =
  | "listening"
  | "connecting"
  | "retrying"
  | "handshake"
  | "refused"
  | "lost"
  | "resumed"
  | "session-lost"
  | "queue"
  | "window"
  | "not-listening";

/** What passed, as in a recording: `docs/cli.md`, "Recordings". */
export type PassedKind =
  | "open"
  | "close"
  | "message"
  | "request"
  | "answer"
  | "failure"
  | "stream"
  | "item"
  | "end"
  | "reset";

/** What there is to say of a thing that happened. */
export interface EventDetails {
  /** Of requests and streams, and of what belongs to them. */
  readonly id?: number | undefined;
  readonly type?: number | undefined;
  /** What a contract calls it. */
  readonly name?: string | undefined;
  readonly bytes?: number | undefined;
  /** The data, if they are kept: as text, or as base64 if they are not UTF-8. */
  readonly text?: string | undefined;
  readonly base64?: string | undefined;
  /** What a contract makes of them, as JSON, if that is not their text. */
  readonly decoded?: string | undefined;
  readonly code?: string | undefined;
  /** Of a failure, if data are kept: it may have some. */
  readonly message?: string | undefined;
  /** What it took, of an answer, a failure, and a stream that is over. */
  readonly tookMs?: number | undefined;
  /** The rest, in words. */
  readonly detail?: string | undefined;
}

/** One thing that happened. */
export interface TimelineEvent extends EventDetails {
  /** Counts from 1, without a gap. */
  readonly seq: number;
  /** Since the inspector was started. */
  readonly ms: number;
  /** The number of the end that it happened to. */
  readonly connection: number;
  readonly from: Side;
  readonly kind: PassedKind | LifeKind;
}

interface Count {
  readonly messages: number;
  readonly bytes: number;
}

/** A client, a server's connection, or a server. */
export interface EndState {
  readonly connection: number;
  readonly kind: "client" | "connection" | "server";
  readonly status: string;
  readonly address?: string | undefined;
  readonly profile?: string | undefined;
  readonly encrypted?: boolean | undefined;
  /** Who is at the other end, as it says itself. */
  readonly peer?: string | undefined;
  readonly lastError?: string | undefined;
  /** Writers wait for room. */
  readonly isFull: boolean;
  /** Streams without credit. */
  readonly fullStreams: number;
  readonly stats: {
    readonly sent: Count;
    readonly received: Count;
    readonly queuedBytes: number;
    readonly unreadBytes: number;
    readonly reconnects: number;
    readonly resumes: number;
    readonly roundTripMs: number | undefined;
  };
}

/** The calls of one type: requests or streams, at the end that asks or the one that answers. */
export interface CallState {
  readonly kind: "request" | "handler" | "stream" | "stream-handler";
  /** 0 stands for all types beyond those that are counted one by one. */
  readonly type: number;
  readonly name?: string | undefined;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How many took up to so many milliseconds: bounds that double, those without a call left out. */
  readonly histogram: readonly (readonly [upToMs: number, count: number])[];
}

/** One second. */
export interface Sample {
  readonly ms: number;
  readonly sent: number;
  readonly received: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly calls: number;
  readonly failed: number;
  readonly resumes: number;
  /** Of the calls that were over in it; 0 without one. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly queuedBytes: number;
  readonly unreadBytes: number;
  readonly open: number;
}

/** A contract's members, for forms. */
export interface NamedMember {
  readonly name: string;
  readonly kind: "method" | "stream" | "event";
  readonly number: number;
}

export type PageLine =
  | {
      readonly line: "hello";
      readonly title: string;
      readonly pid: number;
      readonly payloads: boolean;
      readonly allowSend: boolean;
      readonly members: readonly NamedMember[];
    }
  | { readonly line: "events"; readonly events: readonly TimelineEvent[] }
  /** Events that the page was too slow for. */
  | { readonly line: "dropped"; readonly count: number }
  | {
      readonly line: "state";
      readonly ms: number;
      readonly ends: readonly EndState[];
      /** How many more there are. */
      readonly moreEnds: number;
      readonly calls: readonly CallState[];
    }
  | { readonly line: "samples"; readonly samples: readonly Sample[] };
