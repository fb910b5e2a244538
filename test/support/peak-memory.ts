import { readFileSync } from "node:fs";

/**
 * The most memory that this process has had at a time. Linux counts that of the process that started this one in `maxRSS`, but not in
 * its own table.
 */
export function peakRssBytes(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1_024;
  const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(peak) * 1_024;
}
