import type { Client } from "./client/client.ts";
import type { Retry } from "./client/retries.ts";
import type { PeerInfo } from "./options/native-options.ts";
import type { TraceContext } from "./options/trace-context.ts";
import type { Connection } from "./server/connection.ts";
import type { Server } from "./server/server.ts";
import type { Status } from "./status.ts";

/** Whose an event of a diagnostics channel is. */
export interface DiagnosticsAbout {
  readonly side: "client" | "server";
  readonly endpoint: Client | Connection | Server;
}

/** What a request or a stream is traced by: one object from its start to its end. */
export interface TracedCall extends DiagnosticsAbout {
  readonly endpoint: Client | Connection;
  readonly type: number;
  /** The data of the request, or those that the stream was opened with, in bytes. */
  readonly bytes: number;
  /** The number of the stream on its connection, once it is open. */
  stream?: number | undefined;
  /**
   * The trace that it belongs to. A subscriber to the `start` of `sealpipe:request` or `sealpipe:stream` may set it, if there is
   * none: it then travels to the peer.
   */
  context?: Partial<TraceContext> | undefined;
  /** The data of the answer, in bytes, once there is one. */
  answerBytes?: number | undefined;
  /** Why it failed, if it did. */
  error?: unknown;
}

/**
 * The payload of each channel of `node:diagnostics_channel` to which the library publishes, by the channel's name. Requests
 * and streams have tracing channels instead, whose payload is a {@link TracedCall}: `sealpipe:request`, `sealpipe:handler`,
 * `sealpipe:stream` and `sealpipe:stream-handler`. See `docs/diagnostics.md`.
 */
export interface DiagnosticsEvents {
  readonly "sealpipe:listening": DiagnosticsAbout & { readonly address: string };
  readonly "sealpipe:connecting": DiagnosticsAbout & { readonly address: string };
  readonly "sealpipe:retrying": DiagnosticsAbout & Retry;
  readonly "sealpipe:handshake": DiagnosticsAbout & { readonly step: string; readonly ms: number };
  readonly "sealpipe:refused": DiagnosticsAbout & { readonly error: Error };
  readonly "sealpipe:open": DiagnosticsOpen;
  readonly "sealpipe:resumed": DiagnosticsOpen;
  readonly "sealpipe:lost": DiagnosticsAbout & { readonly error: Error | undefined };
  readonly "sealpipe:session-lost": DiagnosticsAbout & {
    readonly messages: number;
    readonly streams: number;
  };
  readonly "sealpipe:closed": DiagnosticsAbout & {
    readonly status: Status;
    readonly error: Error | undefined;
  };
  readonly "sealpipe:message:sent": DiagnosticsAbout & { readonly type: number; readonly bytes: number };
  readonly "sealpipe:message:received": DiagnosticsAbout & { readonly type: number; readonly bytes: number };
  readonly "sealpipe:queue": DiagnosticsAbout & { readonly isFull: boolean; readonly queuedBytes: number };
  readonly "sealpipe:window": DiagnosticsAbout & { readonly isFull: boolean; readonly stream: number };
  readonly "sealpipe:data": DiagnosticsData;
}

/**
 * The payload of the channel `sealpipe:data`, the one that has data of the application. For messages, and for requests and
 * streams that are traced, it is published right after the event that tells of them.
 */
export interface DiagnosticsData {
  /**
   * What they are of: the payload of a message's event, the {@link TracedCall} of a request, its answer, or what a stream was opened
   * with; of an item, its `endpoint`, `side` and `stream`.
   */
  readonly of: DiagnosticsAbout;
  readonly kind: "message" | "request" | "answer" | "stream" | "item";
  /** Whether this end has sent them. */
  readonly isSent: boolean;
  /** Bytes or text, to be copied during the call: the memory is used again. A handler's answer may be anything. */
  readonly data: unknown;
}

/** A connection that is open. */
export interface DiagnosticsOpen extends DiagnosticsAbout {
  readonly profile: "classic" | "native";
  readonly encrypted: boolean;
  readonly peer: PeerInfo | undefined;
}
