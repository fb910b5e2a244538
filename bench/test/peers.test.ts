import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadsLibrary, ofPackage, rows } from "../catalogue.ts";
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

test("a row of another package loads that one, and no other row does", async () => {
  const here = fileURLToPath(new URL("../..", import.meta.url));
  const ours = rows.filter(loadsLibrary);
  assert.ok(ours.length > 5 && ours.every(({ id }) => /^sealpipe-(native|classic|stream)/.test(id)));
  const [row] = ours;
  assert.ok(row);
  await assert.rejects(async () => {
    await using _pair = await Pair.start(ofPackage(row, `${here}/docs`));
  }, /Cannot find module|has ended/);
  // What `npm run build` leaves there is a package, too.
  await using pair = await Pair.start(ofPackage(row, here));
  const before = pair.processorMs ?? Number.NaN;
  for (const work of works.filter(({ id }) => id === "client-to-server-1048576")) {
    await work.run(pair, 40, "all");
  }
  if (process.platform === "linux") assert.ok((pair.processorMs as number) > before);
});
