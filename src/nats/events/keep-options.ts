import { CallerError } from "../../index.ts";

/** How JetStream is to keep durable events: what concerns a deployment, and not a contract. */
export interface NatsServiceOptions {
  /** On how many nodes of a cluster each event is kept, 1 to 5, of streams that this server makes. Default 1. */
  readonly replicas?: number | undefined;
  /**
   * How long an event is tried for before `emit` rejects, in milliseconds, 100 to 60000: long enough for a cluster to choose a leader.
   * Default 15000.
   */
  readonly keepTimeoutMs?: number | undefined;
}

export const keepDefaults = Object.freeze({ replicas: 1, keepTimeoutMs: 15_000 });

const bounds = { replicas: [1, 5], keepTimeoutMs: [100, 60_000] } as const;

/** @throws CallerError `ERR_INVALID_OPTION` */
export function parseKeepOptions(options: NatsServiceOptions): typeof keepDefaults {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw invalid("options must be an object");
  const parsed: Record<string, number> = { ...keepDefaults };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(bounds, name)) throw invalid(`there is no option "${name}"`);
    if (value === undefined) continue;
    const [min, max] = bounds[name as keyof typeof bounds];
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      throw invalid(`${name} must be an integer from ${min} to ${max}`);
    parsed[name] = value as number;
  }
  return parsed as typeof keepDefaults;
}

function invalid(message: string): CallerError {
  return new CallerError("ERR_INVALID_OPTION", message);
}
