import { createHash } from "node:crypto";

const maxShownLength = 180;

/**
 * The stream of JetStream that keeps what is published by a subject, which has characters that a stream's name must not have. People
 * find it by its beginning; the hash has no two subjects share one.
 */
export function streamOf(subject: string): string {
  const shown = subject.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, maxShownLength);
  return `${shown}-${createHash("sha256").update(subject).digest("hex").slice(0, 16)}`;
}
