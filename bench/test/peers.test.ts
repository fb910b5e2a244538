import { test } from "node:test";
import { rows } from "../catalogue.ts";
import { Pair } from "../process/pair.ts";
import { missing } from "../process/process.ts";
import { works } from "../work.ts";

// Optional rows are those that a build may not have; the benchmark itself says which it left out.
for (const row of rows.filter(({ optional }) => !optional)) {
  const skip = missing(row.server) ?? missing(row.client) ?? false;

  test(`${row.id} delivers every message of each size whole`, { skip }, async () => {
    await using pair = await Pair.start(row);
    for (const work of works.filter(({ clients, applies }) => clients === 1 && applies(row))) {
      await work.run(pair, 20, "all");
    }
  });
}
