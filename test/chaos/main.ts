// Cuts the connection of two ends that talk both ways, again and again, and looks whether anything was lost, came twice
// or out of order. Exits with 0 where nothing was, with 1 where something was, with 2 for bad arguments.

import { numberOf, orUsage, readOptions } from "../support/command-line.ts";
import { chaos, line } from "./chaos.ts";

const usage = `Usage: npm run chaos -- [--cuts N]
  --cuts  how often the connection is cut, encrypted, and a tenth as often plain (default 1000)`;

const cuts = orUsage(usage, () =>
  numberOf("cuts", readOptions({ cuts: "1000" }).cuts, { least: 1, integer: true }),
);

let failed = 0;
for (const encryption of [true, false]) {
  const share = encryption ? cuts : Math.ceil(cuts / 10);
  const { harm, client, server, failures } = await chaos({ cuts: share, encryption, say: console.log });
  for (const failure of failures.slice(0, 20)) console.error(`✖ ${failure}`);
  failed += failures.length;
  console.log(
    `${encryption ? "encrypted" : "plain"}: ${line(harm, client, server)}; ` +
      `${failures.length} lost, twice, or out of order`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;
