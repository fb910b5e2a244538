import type { Check } from "./content.ts";

/** The commands to a process of the benchmark: one JSON line each, answered by one. The Go program has them, too. */
export type Command =
  | { readonly do: "listen"; readonly name: string }
  /** Connects `clients` times and waits until the server has answered each once. */
  | { readonly do: "connect"; readonly name: string; readonly clients: number }
  /** Waits until that many clients are connected. */
  | { readonly do: "await-clients"; readonly clients: number }
  | { readonly do: "echo" }
  | { readonly do: "sink"; readonly count: number; readonly bytes: number; readonly check: Check }
  /** Sends to every channel, all the same, and waits until each sink has it all. */
  | { readonly do: "source"; readonly count: number; readonly bytes: number }
  | { readonly do: "round-trips"; readonly count: number; readonly bytes: number; readonly check: Check }
  | { readonly do: "requests"; readonly count: number; readonly bytes: number; readonly inFlight: number }
  /** Connects, sends one message, waits for it to come back, closes without waiting; again and again. */
  | { readonly do: "connects"; readonly name: string; readonly count: number }
  | { readonly do: "rss" }
  | { readonly do: "close" };

export interface Answer {
  /** Of the work alone. */
  readonly elapsedMs?: number;
  /** Of one round trip, in microseconds. */
  readonly p50?: number;
  readonly p99?: number;
  readonly rssBytes?: number;
  readonly error?: string;
}
