import type { CallState, EndState } from "../src/inspector/event.ts";
import { Histogram } from "./plot.tsx";
import { bytes, count, ms, printable } from "./words.ts";

/** Each connection: its state, its peer, what waits in it. */
export function Connections({ ends, more }: { ends: readonly EndState[]; more: number }) {
  if (ends.length === 0) return <p class="nothing">No client and no server has shown itself yet.</p>;
  return (
    <>
      <table class="cards">
        <thead>
          <tr>
            {[
              "#",
              "End",
              "Status",
              "Peer",
              "Sent",
              "Received",
              "Queued",
              "Unread",
              "Resumes",
              "Round trip",
            ].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ends.map((end) => (
            <Connection key={end.connection} end={end} />
          ))}
        </tbody>
      </table>
      {more > 0 && <p class="nothing">and {count(more)} more</p>}
    </>
  );
}

function Connection({ end }: { end: EndState }) {
  const {
    connection,
    kind,
    status,
    address,
    profile,
    encrypted,
    peer,
    lastError,
    isFull,
    fullStreams,
    stats,
  } = end;
  const wire = profile && `${profile}, ${encrypted ? "encrypted" : "plain"}`;
  return (
    <tr data-connection={connection}>
      <th scope="row" data-head="#">
        {connection}
      </th>
      <td data-head="End">
        {kind} <small>{printable(address ?? "")}</small>
      </td>
      <td data-head="Status">
        <span class={`status ${status}`}>{status}</span> {lastError && <small>{printable(lastError)}</small>}
      </td>
      <td data-head="Peer">
        {printable(peer ?? "")} <small>{wire}</small>
      </td>
      <td data-head="Sent">
        {count(stats.sent.messages)} <small>{bytes(stats.sent.bytes)}</small>
      </td>
      <td data-head="Received">
        {count(stats.received.messages)} <small>{bytes(stats.received.bytes)}</small>
      </td>
      <td data-head="Queued">
        {bytes(stats.queuedBytes)} {isFull && <strong class="full">full</strong>}{" "}
        {fullStreams > 0 && <strong class="full">{fullStreams} streams without credit</strong>}
      </td>
      <td data-head="Unread">{bytes(stats.unreadBytes)}</td>
      <td data-head="Resumes">
        {stats.resumes} <small>of {stats.reconnects}</small>
      </td>
      <td data-head="Round trip">{stats.roundTripMs === undefined ? "–" : ms(stats.roundTripMs)}</td>
    </tr>
  );
}

/** Requests and streams by their types, with what they take. */
export function Calls({ calls }: { calls: readonly CallState[] }) {
  if (calls.length === 0) return <p class="nothing">No request and no stream yet.</p>;
  return (
    <table class="cards">
      <thead>
        <tr>
          {["Type", "What", "Running", "Done", "Failed", "p50", "p99", "Longest", "Latencies"].map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {calls.map(({ kind, type, name, running, done, failed, p50Ms, p99Ms, maxMs, histogram }) => (
          <tr key={`${kind} ${type}`} data-call={`${kind} ${type}`}>
            <th scope="row" data-head="Type">
              {name === undefined ? type || "others" : printable(name)}
            </th>
            <td data-head="What">{words[kind]}</td>
            <td data-head="Running">{count(running)}</td>
            <td data-head="Done">{count(done)}</td>
            <td data-head="Failed">{count(failed)}</td>
            <td data-head="p50">{ms(p50Ms)}</td>
            <td data-head="p99">{ms(p99Ms)}</td>
            <td data-head="Longest">{ms(maxMs)}</td>
            <td data-head="Latencies">
              <Histogram bars={histogram} shown={ms} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const words = {
  request: "asked here",
  handler: "answered here",
  stream: "opened here",
  "stream-handler": "opened by the peer",
} as const;
