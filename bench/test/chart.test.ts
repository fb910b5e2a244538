import assert from "node:assert/strict";
import { test } from "node:test";
import { rows } from "../catalogue.ts";
import type { Result } from "../measure.ts";
import { chart } from "../report/chart.ts";

test("the chart has a point for each row, further to the right where the figure is larger", async () => {
  const results = rows.map(({ id }, index): Result => {
    const median = 100 * (index + 1);
    const same = { median, ofLimit: 1, limitMedian: median, samples: [median], messages: 1 };
    return { ...same, work: "client-to-server-64", row: id, unit: "/s" };
  });
  const versions = { system: "", node: "", go: undefined, python: undefined, packages: {} };
  const machine = { processor: "", cores: 1, ...versions };
  const svg = await chart({ machine, effort: { rounds: 1, targetMs: 1 }, results, failures: [] });
  const points = [
    ...svg.matchAll(/<path aria-label="[^"]*" role="graphics-symbol" [^>]*translate\(([\d.]+),/g),
  ];
  const places = points.map(([, x]) => Number(x));
  assert.equal(places.length, rows.length);
  for (const [index, place] of places.entries()) {
    if (index > 0) assert.ok(place > (places[index - 1] as number), `the point of row ${index}`);
  }
});
