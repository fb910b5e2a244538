import type { Effort, Result } from "../measure.ts";
import type { Machine } from "./machine.ts";

/** All that one run of the benchmark found: what docs/performance.json holds. */
export interface Run {
  readonly machine: Machine;
  readonly effort: Effort;
  readonly results: readonly Result[];
  readonly failures: readonly string[];
}
