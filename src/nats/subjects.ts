/** The subjects of a name: all begin with `sealpipe.NAME.`, for which permissions can be given. */
export interface Subjects {
  /** For a new session: any server of the queue group takes it. */
  readonly open: string;
  /** All servers answer it. */
  readonly who: string;
  /** For a session that one server has. */
  at(instance: string): string;
  /** What the subjects of events begin with that are `fanOut`. */
  readonly events: string;
  /** What the subjects of events begin with that are `durable`. */
  readonly kept: string;
  /** What everything for the ends of one NATS connection begins with. */
  readonly to: string;
}

/** `name` has only letters, digits, `.`, `_` and `-`; a dot would separate tokens. */
export function subjectsOf(name: string): Subjects {
  const base = `sealpipe.${name.replaceAll(".", "/")}`;
  return {
    open: `${base}.open`,
    who: `${base}.who`,
    at: (instance) => `${base}.at.${instance}`,
    events: `${base}.events.`,
    kept: `${base}.kept.`,
    to: `${base}.to.`,
  };
}

export const queueGroup = "servers";
