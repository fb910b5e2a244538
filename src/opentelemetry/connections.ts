import type { BatchObservableResult } from "@opentelemetry/api";
import type { Client, Connection, DiagnosticsEvents, Server } from "../index.ts";
import { failureOf } from "./calls.ts";
import type { Parts } from "./parts.ts";

type Side = "client" | "server";
type End = Client | Connection | Server;

/** Of what is open: what waits in it. */
export function observeConnections(parts: Parts): void {
  countLives(parts);
  observeQueues(parts);
}

function countLives({ meter, on }: Parts): void {
  const handshakes = meter.createHistogram("sealpipe.handshake.duration", {
    unit: "s",
    description: "How long handshakes take, to the open connection",
  });
  const counter = (name: string, description: string) =>
    meter.createCounter(`sealpipe.${name}`, { description });
  const opened = counter("connections", "Connections with a new session");
  const resumed = counter("resumes", "Connections whose session went on");
  const lost = counter("lost", "Connections that broke");
  const sessions = counter("sessions.lost", "Sessions that ended with something unsent or unanswered");
  const refused = counter("refused", "Clients that a server refused, or that failed in the handshake");
  on<DiagnosticsEvents["sealpipe:handshake"]>("sealpipe:handshake", ({ side, step, ms }) => {
    if (step === "open") handshakes.record(ms / 1000, { "sealpipe.side": side });
  });
  on<DiagnosticsEvents["sealpipe:open"]>("sealpipe:open", ({ side, profile, encrypted }) =>
    opened.add(1, { "sealpipe.side": side, "sealpipe.profile": profile, "sealpipe.encrypted": encrypted }),
  );
  on<DiagnosticsEvents["sealpipe:resumed"]>("sealpipe:resumed", ({ side }) =>
    resumed.add(1, { "sealpipe.side": side }),
  );
  on<DiagnosticsEvents["sealpipe:lost"]>("sealpipe:lost", ({ side, error }) => {
    if (error !== undefined) lost.add(1, { "sealpipe.side": side, ...failureOf(error) });
  });
  on<DiagnosticsEvents["sealpipe:session-lost"]>("sealpipe:session-lost", ({ side }) =>
    sessions.add(1, { "sealpipe.side": side }),
  );
  on<DiagnosticsEvents["sealpipe:refused"]>("sealpipe:refused", ({ error }) =>
    refused.add(1, failureOf(error)),
  );
}

/** Sums over the endpoints that have been open since the beginning. */
function observeQueues({ meter, on, atEnd }: Parts): void {
  const ends: Record<Side, Set<End>> = { client: new Set(), server: new Set() };
  const add = ({ side, endpoint }: DiagnosticsEvents["sealpipe:open"]): void => void ends[side].add(endpoint);
  on<DiagnosticsEvents["sealpipe:open"]>("sealpipe:open", add);
  on<DiagnosticsEvents["sealpipe:resumed"]>("sealpipe:resumed", add);
  on<DiagnosticsEvents["sealpipe:closed"]>(
    "sealpipe:closed",
    ({ side, endpoint }) => void ends[side].delete(endpoint),
  );
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableUpDownCounter(`sealpipe.${name}`, { unit, description });
  const open = gauge("connections.open", "{connection}", "Connections that are open, or may come back");
  const queued = gauge("queued", "By", "Bytes that were written and are unsent or, natively, unacknowledged");
  const unread = gauge("unread", "By", "Bytes that have arrived and wait to be read");
  const observe = (result: BatchObservableResult): void => {
    for (const side of ["client", "server"] as const) {
      const stats = [...ends[side]].map((end) => end.stats());
      const attributes = { "sealpipe.side": side };
      const sum = (of: (one: { queuedBytes: number; unreadBytes: number }) => number): number =>
        stats.reduce((total, one) => total + of(one), 0);
      result.observe(open, stats.length, attributes);
      result.observe(
        queued,
        sum(({ queuedBytes }) => queuedBytes),
        attributes,
      );
      result.observe(
        unread,
        sum(({ unreadBytes }) => unreadBytes),
        attributes,
      );
    }
  };
  const observables = [open, queued, unread];
  meter.addBatchObservableCallback(observe, observables);
  atEnd(() => meter.removeBatchObservableCallback(observe, observables));
}
