import { UsageError } from "./exit-codes.ts";

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The longest time that Node's timers allow. */
const maxMs = 2_147_483_647;

/** The milliseconds of `500ms`, `5s`, `2m` or `1h`. @throws UsageError */
export function durationMs(text: string, option: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms =
    number === undefined || unit === undefined ? Number.NaN : Number(number) * (units[unit] as number);
  if (ms >= 1 && ms <= maxMs) return Math.round(ms);
  throw new UsageError(
    `--${option} takes a time from 1ms to 24 days with its unit, such as 500ms or 5s, not ${text}`,
  );
}

/** An integer of that range. @throws UsageError */
export function integer(text: string, what: string, [min, max]: readonly [number, number]): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${what} takes an integer from ${min} to ${max}, not ${text}`);
}

/** Milliseconds for people. */
export function shownMs(ms: number): string {
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
