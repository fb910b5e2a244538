import { existsSync } from "node:fs";
import { test } from "node:test";
import { rows } from "../catalogue.ts";
import { Pair } from "../process/pair.ts";
import { goProgram } from "../process/process.ts";
import { works } from "../work.ts";

// Optional rows are those that a build may not have; the benchmark itself says which it left out.
for (const row of rows.filter(({ optional }) => !optional)) {
  const needsGo = row.server.kind === "go" || row.client.kind === "go";
  const skip = needsGo && !existsSync(goProgram) ? "there is no Go to build its program with" : false;

  test(`${row.id} delivers every message of each size whole`, { skip }, async () => {
    await using pair = await Pair.start(row);
    for (const work of works.filter(({ clients, applies }) => clients === 1 && applies(row))) {
      await work.run(pair, 20, "all");
    }
  });
}
