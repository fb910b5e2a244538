import type { DiagnosticsAbout, DiagnosticsOpen } from "../index.ts";
import type { Ends } from "./ends.ts";
import type { Hearing } from "./hearing.ts";

/** Hears how connections come and go, and what holds them up. */
export function watchLives(hearing: Hearing, ends: Ends): void {
  watchConnections(hearing, ends);
  watchFailures(hearing, ends);
  watchCredit(hearing, ends);
}

function watchConnections({ on, add }: Hearing, ends: Ends): void {
  on("sealpipe:listening", (event) => add(event, { kind: "listening", detail: event.address }));
  on("sealpipe:connecting", (event) => add(event, { kind: "connecting", detail: event.address }));
  on("sealpipe:handshake", (event) =>
    add(event, { kind: "handshake", detail: `${event.step}, ${event.ms.toFixed(1)} ms` }),
  );
  on("sealpipe:open", (event) => add(event, { kind: "open", from: "client", detail: openText(event) }));
  on("sealpipe:resumed", (event) => add(event, { kind: "resumed", detail: openText(event) }));
  on("sealpipe:closed", (event) => {
    const isServer = "connections" in event.endpoint;
    add(event, {
      ...(isServer ? { kind: "not-listening" } : { kind: "close", from: "client" }),
      detail: event.status,
      code: codeOf(event.error),
    });
    ends.closed(event, event.status);
  });
}

function watchFailures({ on, add }: Hearing, ends: Ends): void {
  const failed = (
    kind: "retrying" | "refused" | "lost",
    event: DiagnosticsAbout & { readonly error?: unknown },
    detail?: string,
  ): void => {
    const code = codeOf(event.error);
    if (code !== undefined) ends.failed(event, code);
    add(event, { kind, code, detail });
  };
  on("sealpipe:retrying", (event) =>
    failed("retrying", event, `try ${event.attempt}, again in ${event.delayMs} ms`),
  );
  on("sealpipe:refused", (event) => failed("refused", event));
  on("sealpipe:lost", (event) => failed("lost", event));
  on("sealpipe:session-lost", (event) => {
    ends.sessionLost(event);
    add(event, {
      kind: "session-lost",
      detail: `with ${event.messages} messages and ${event.streams} streams`,
    });
  });
}

function watchCredit({ on, add }: Hearing, ends: Ends): void {
  on("sealpipe:queue", (event) => {
    ends.full(event, event.isFull);
    add(event, { kind: "queue", bytes: event.queuedBytes, detail: event.isFull ? "full" : "has room again" });
  });
  on("sealpipe:window", (event) => {
    ends.fullStream(event, event.stream, event.isFull);
    const detail = `stream ${event.stream} has ${event.isFull ? "no credit" : "credit again"}`;
    add(event, { kind: "window", detail });
  });
}

function openText({ profile, encrypted, peer }: DiagnosticsOpen): string {
  const wire = `${profile}, ${encrypted ? "encrypted" : "plain"}`;
  return peer === undefined ? wire : `${wire}, ${peer.application || "a program"}, pid ${peer.pid}`;
}

/** What an error is called; its message may have data of the application. */
export function codeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === "string") return code;
  return typeof name === "string" ? name : "Error";
}
