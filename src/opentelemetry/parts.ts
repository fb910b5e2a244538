import type { Meter, Tracer } from "@opentelemetry/api";

/** What each part is made with, and how it says what is to be undone. */
export interface Parts {
  readonly tracer: Tracer;
  readonly meter: Meter;
  /** Calls `listener` with what that channel publishes, until the end. */
  on<T>(channel: string, listener: (event: T) => void): void;
  /** Called at the end. */
  atEnd(undo: () => void): void;
}
