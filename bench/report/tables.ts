import { readFileSync, writeFileSync } from "node:fs";
import { type Row, rows } from "../catalogue.ts";
import type { Result } from "../measure.ts";
import { type Work, works } from "../work.ts";
import type { Run } from "./run.ts";

const page = new URL("../../docs/performance.md", import.meta.url);
const begin = "<!-- figures: begin -->";
const end = "<!-- figures: end -->";

/** Works that stand side by side. */
const groups: readonly { readonly title: string; readonly parts: readonly string[] }[] = [
  { title: "Round trips (median, and the 99th of a hundred)", parts: ["round-trip"] },
  { title: "One way, client to server (messages a second)", parts: ["client-to-server"] },
  { title: "One way, server to client (messages a second)", parts: ["server-to-client"] },
  {
    title: "Requests, connects and fan-out (a second), memory of an idle connection",
    parts: ["requests", "connects", "fan-out", "idle"],
  },
];

/** Markdown. Each figure is a median; in brackets, what it is of raw `net` in the same sitting. */
export function tables(run: Run): string {
  const { machine, effort } = run;
  const sections = groups.flatMap(({ title, parts }) => {
    const columns = works.filter(
      ({ id }) => parts.some((part) => id.startsWith(part)) && run.results.some(({ work }) => work === id),
    );
    return columns.length === 0 ? [] : [`### ${title}\n\n${table(run.results, columns)}`];
  });
  const { processor, cores, system, node, go, python } = machine;
  const versions = [system, `Node ${node}`, go, python].filter((version) => version !== undefined);
  const measured = `Measured on ${cores} cores of ${processor}, ${versions.join(", ")}: medians of ${effort.rounds} rounds.`;
  return [measured, ...sections].join("\n\n");
}

function table(results: readonly Result[], columns: readonly Work[]): string {
  const present = rows.filter(({ id }) =>
    results.some(({ row, work }) => row === id && columns.some((column) => column.id === work)),
  );
  const head = ["", "encrypted", ...columns.map(({ title }) => title)];
  const lines = present.map((row) => [
    row.label,
    row.encrypted ? "yes" : "no",
    ...columns.map(({ id }) =>
      cell(
        row,
        results.find((result) => result.row === row.id && result.work === id),
      ),
    ),
  ]);
  const rule = head.map((_, index) => (index < 2 ? "---" : "---:"));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cell(row: Row, result: Result | undefined): string {
  if (result === undefined) return "–";
  const { unit, median, ofLimit, p99, work } = result;
  const byHand = work.startsWith("requests") && row.requests === "by hand" ? " †" : "";
  const ratio = ` (${ofLimit.toPrecision(2)})`;
  const tail = p99 === undefined ? "" : `, p99 ${short(p99)}`;
  return `${short(median)}${unit === "/s" ? "" : ` ${unit}`}${tail}${ratio}${byHand}`;
}

function short(figure: number): string {
  if (figure >= 1_000_000) return `${(figure / 1_000_000).toFixed(2)} M`;
  if (figure >= 10_000) return `${(figure / 1_000).toFixed(0)} k`;
  return figure >= 100 ? figure.toFixed(0) : figure.toPrecision(2);
}

/** Puts the tables into docs/performance.md, between its markers. */
export function writeTables(run: Run): void {
  const text = readFileSync(page, "utf8");
  const [before, rest] = text.split(begin) as [string, string | undefined];
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/performance.md has no ${begin} … ${end}`);
  writeFileSync(page, `${before}${begin}\n\n${tables(run)}\n\n${end}${after}`);
}
