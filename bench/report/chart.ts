import { writeFileSync } from "node:fs";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { rows } from "../catalogue.ts";
import type { Run } from "./run.ts";

const file = new URL("../../docs/performance.svg", import.meta.url);
const panels = [
  { work: "client-to-server-64", title: "64 B one way, messages a second" },
  { work: "round-trip-64", title: "64 B round trip, µs" },
];

/** What most users ask first, as docs/performance.svg. */
export async function writeChart(run: Run): Promise<void> {
  writeFileSync(file, `${await chart(run)}\n`);
}

/** As SVG, with points: the scale is logarithmic, on which bars have no start. */
export async function chart(run: Run): Promise<string> {
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    hconcat: panels.map(({ work, title }) => ({
      title,
      data: { values: figures(run, work) },
      mark: { type: "point" as const, filled: true, size: 90, opacity: 1 },
      width: 320,
      encoding: {
        y: {
          field: "peer",
          type: "nominal" as const,
          sort: null,
          title: null,
          axis: { labelLimit: 400, grid: true },
        },
        x: { field: "figure", type: "quantitative" as const, scale: { type: "log" as const }, title: null },
        color: {
          field: "encryption",
          type: "nominal" as const,
          title: null,
          scale: { domain: ["encrypted", "plain"], range: ["#1b6e53", "#b7bdc4"] },
        },
      },
    })),
  };
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  return view.toSVG();
}

function figures(run: Run, work: string): object[] {
  return rows.flatMap(({ id, label, encrypted }) => {
    const result = run.results.find((each) => each.row === id && each.work === work);
    if (result === undefined) return [];
    const peer = label.replaceAll(/[*`]/g, "");
    return [{ peer, figure: result.median, encryption: encrypted ? "encrypted" : "plain" }];
  });
}
