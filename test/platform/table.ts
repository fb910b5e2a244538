import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reasonFor } from "./cannot.ts";
import type { FileResult } from "./suite.ts";

export interface RuntimeResult {
  readonly title: string;
  readonly results: readonly FileResult[];
}

/** `file: name` of each test that failed. */
export function failures({ results }: RuntimeResult): string[] {
  return results.flatMap(({ file, failed }) => failed.map((name) => `${file}: ${name}`));
}

/** The same without those that are known to be impossible there. */
export function surprises(result: RuntimeResult): string[] {
  return failures(result).filter((failure) => reasonFor(result.title, failure) === undefined);
}

/** The results of all runtimes, in Markdown, and what cannot pass, with the reasons. */
export function table(all: readonly RuntimeResult[]): string {
  const rows = all.map((result) => {
    const count = (what: "passed" | "skipped"): number =>
      result.results.reduce((sum, file) => sum + file[what], 0);
    return `| ${result.title} | ${count("passed")} | ${failures(result).length} | ${count("skipped")} |`;
  });
  const lines = ["| runtime | pass | cannot | skipped |", "| --- | --- | --- | --- |", ...rows, ""];
  for (const result of all) lines.push(...reasons(result));
  return lines.join("\n");
}

function reasons(result: RuntimeResult): string[] {
  const counts = new Map<string, number>();
  for (const failure of failures(result)) {
    const why = reasonFor(result.title, failure) ?? `not known yet: ${failure}`;
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  const items = [...counts].map(([why, count]) => `- ${count} ${count === 1 ? "test" : "tests"}: ${why}.`);
  return [`What cannot pass on ${result.title}, and why:`, "", ...items, ""];
}

const page = fileURLToPath(new URL("../../../docs/platforms.md", import.meta.url));

/** Puts it between the marks in `docs/platforms.md`. */
export function writeTable(text: string): void {
  const before = readFileSync(page, "utf8");
  const marks = /(<!-- platforms -->\n)[\s\S]*(<!-- \/platforms -->)/;
  writeFileSync(
    page,
    before.replace(marks, (_, begin: string, end: string) => `${begin}${text}${end}`),
  );
}
