import { lstatSync, mkdirSync, renameSync, rmdirSync } from "node:fs";
import { hasCode } from "./system-errors.ts";

// How a file comes to its place where there are no hard links, as on Termux, and on some FUSE and network file systems. A link
// never replaces what is there; `rename` does. So whoever renames holds the place first.

/** Holding it takes less than a millisecond. */
const abandonedAfterMs = 5_000;

/** A file that is to come to a place, and how others that have one for it are told. */
export interface RenamedFile {
  readonly from: string;
  readonly to: string;
  /** A directory, of a name that is never used again, which exists while the place is held. */
  readonly hold: string;
  /** The same of all who might hold it, this one included. */
  holds(): readonly string[];
  /** Whether what is there now, if anything, may go. */
  mayReplace(): boolean;
}

/** Whether an error says that there are no hard links, or none for this process. */
export function lacksLinks(error: unknown): boolean {
  return ["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].some((code) => hasCode(error, code));
}

/**
 * Renames the file, unless something is in its place that may not go (`taken`), or another holds that (`held`): of any two that
 * hold it the later one sees the earlier one's hold, and what has come to the place by the time the other's hold is gone.
 *
 * Synchronous: what was seen must still hold when it is acted on.
 */
export function renameUnlessHeld({
  from,
  to,
  hold,
  holds,
  mayReplace,
}: RenamedFile): "done" | "taken" | "held" {
  mkdirSync(hold, { mode: 0o700 });
  try {
    // All of them: whoever finds one abandoned removes it.
    const others = holds().filter((other) => other !== hold && isHeld(other));
    if (others.length > 0) return "held";
    if (!mayReplace()) return "taken";
    renameSync(from, to);
    return "done";
  } finally {
    removeHold(hold);
  }
}

function isHeld(hold: string): boolean {
  const status = lstatSync(hold, { throwIfNoEntry: false });
  if (status === undefined) return false;
  if (Date.now() - status.mtimeMs <= abandonedAfterMs) return true;
  removeHold(hold);
  return false;
}

/** What is left of it harms nobody for long. */
export function removeHold(hold: string): void {
  try {
    rmdirSync(hold);
  } catch {
    // It is gone already, or none of ours.
  }
}
