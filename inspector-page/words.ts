import type { TimelineEvent } from "../src/inspector/event.ts";

export function count(value: number): string {
  return value.toLocaleString("en");
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const unit = value < 1024 ** 2 ? "KiB" : value < 1024 ** 3 ? "MiB" : "GiB";
  const divisor = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }[unit];
  return `${(value / divisor).toFixed(1)} ${unit}`;
}

export function ms(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)} µs`;
  return value < 999.5 ? `${value.toPrecision(3)} ms` : `${(value / 1000).toFixed(2)} s`;
}

/** Seconds since the inspector was started. */
export function time(value: number): string {
  return (value / 1000).toFixed(3);
}

/** Control characters as they would be typed, so that no data change how they are shown. */
export function printable(text: string): string {
  return text.replace(
    /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** In one line. */
export function summary({
  name,
  type,
  bytes: size,
  text,
  base64,
  decoded,
  code,
  tookMs,
  detail,
}: TimelineEvent): string {
  const data = decoded ?? text ?? base64;
  const parts = [
    name ?? (type && `type ${type}`),
    code,
    detail,
    size !== undefined && bytes(size),
    tookMs !== undefined && ms(tookMs),
    data && printable(data.slice(0, 120)).replace(/\s+/g, " "),
  ];
  return parts.filter(Boolean).join(" · ");
}
