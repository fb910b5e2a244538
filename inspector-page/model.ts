import type {
  CallState,
  EndState,
  NamedMember,
  PageLine,
  Sample,
  TimelineEvent,
} from "../src/inspector/event.ts";

/** Events that the page keeps: the inspector has more of them, which the export has. */
const maxEvents = 5_000;
const maxSamples = 300;

/** All that the page knows. */
export interface Model {
  readonly state: "connecting" | "live" | "over" | "refused";
  readonly why: string;
  readonly title: string;
  readonly pid: number;
  readonly payloads: boolean;
  readonly allowSend: boolean;
  readonly members: readonly NamedMember[];
  readonly events: readonly TimelineEvent[];
  /** Events that the inspector has told, and those that this page was too slow for. */
  readonly told: number;
  readonly dropped: number;
  readonly ends: readonly EndState[];
  readonly moreEnds: number;
  readonly calls: readonly CallState[];
  readonly samples: readonly Sample[];
}

export const empty: Model = {
  state: "connecting",
  why: "",
  title: "sealpipe inspector",
  pid: 0,
  payloads: false,
  allowSend: false,
  members: [],
  events: [],
  told: 0,
  dropped: 0,
  ends: [],
  moreEnds: 0,
  calls: [],
  samples: [],
};

/** The model once that is known, too. */
export function after(model: Model, told: PageLine): Model {
  switch (told.line) {
    case "hello": {
      const { line: _, ...hello } = told;
      return { ...model, ...hello, state: "live" };
    }
    case "events":
      return {
        ...model,
        told: model.told + told.events.length,
        events: [...model.events, ...told.events].slice(-maxEvents),
      };
    case "dropped":
      return { ...model, dropped: model.dropped + told.count };
    case "samples":
      return { ...model, samples: [...model.samples, ...told.samples].slice(-maxSamples) };
    case "state": {
      const { ends, moreEnds, calls } = told;
      return { ...model, ends, moreEnds, calls };
    }
  }
}

/** Kinds of events, as one chooses among them. */
export const groups = {
  messages: ["message"],
  requests: ["request", "answer", "failure"],
  streams: ["stream", "item", "end", "reset", "window"],
  connections: [
    ...["open", "close", "listening", "not-listening", "connecting", "retrying", "handshake"],
    ...["refused", "lost", "resumed", "session-lost", "queue"],
  ],
} as const satisfies Record<string, readonly TimelineEvent["kind"][]>;

export type Group = keyof typeof groups;

export interface Filter {
  readonly text: string;
  /** Those that are not shown. */
  readonly hidden: ReadonlySet<Group>;
  /** 0 for all. */
  readonly connection: number;
}

const maxRows = 200;

/** The last events that the filter lets through, the newest first, and how many more there are. */
export function filtered(
  events: readonly TimelineEvent[],
  { text, hidden, connection }: Filter,
): { readonly rows: TimelineEvent[]; readonly more: number } {
  const kinds = new Set(
    Object.entries(groups).flatMap(([group, kinds]) =>
      hidden.has(group as Group) ? [] : (kinds as readonly string[]),
    ),
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows: TimelineEvent[] = [];
  let more = 0;
  for (let at = events.length - 1; at >= 0; at--) {
    const event = events[at] as TimelineEvent;
    if (!kinds.has(event.kind) || (connection !== 0 && event.connection !== connection)) continue;
    if (words.length > 0 && !words.every((word) => searched(event).includes(word))) continue;
    if (rows.length < maxRows) rows.push(event);
    else more += 1;
  }
  return { rows, more };
}

function searched({ kind, id, type, name, text, decoded, code, message, detail }: TimelineEvent): string {
  const known = [kind, id && `#${id}`, type && `type ${type}`, name, text, decoded, code, message, detail];
  return known.filter(Boolean).join(" ").toLowerCase();
}
