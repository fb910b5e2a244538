import type { TimelineEvent } from "./event.ts";

/** What a recording has of a connection; the rest is not for `sealpipe replay`. */
const passedKinds = new Set<string>([
  ...["open", "close", "message"],
  ...["request", "answer", "failure"],
  ...["stream", "item", "end", "reset"],
]);

/** The kept events as a recording: the lines of `docs/cli.md`, "Recordings". */
export function* recordingLines(
  name: string,
  now: Date,
  events: readonly TimelineEvent[],
): Generator<string> {
  yield `${JSON.stringify({ sealpipe: "recording/1", name, time: now.toISOString() })}\n`;
  for (const { ms, connection, from, kind, id, type, bytes, text, base64, code, message } of events) {
    if (!passedKinds.has(kind)) continue;
    const record = { ms, connection, from, kind, id, type, bytes, text, base64, code, message };
    yield `${JSON.stringify(record)}\n`;
  }
}
