// Cuts the connection of two ends that talk both ways, again and again, and looks whether anything was lost, came twice
// or out of order. Exits with 0 where nothing was, with 1 where something was, with 2 for bad arguments.

import { numberOf, orUsage, readOptions, UsageError } from "../support/command-line.ts";
import { type ChaosOptions, type ChaosResult, chaos, line } from "./chaos.ts";
import { goChaos } from "./go-chaos.ts";

const usage = `Usage: npm run chaos -- [--cuts N] [--peer go]
  --cuts  how often the connection is cut, encrypted, and a tenth as often plain (default 1000)
  --peer  "go": the other end is the Go library's, first as the server and then as the client`;

const { cuts, peer } = orUsage(usage, () => {
  const options = readOptions({ cuts: "1000", peer: "" });
  if (!["", "go"].includes(options.peer)) throw new UsageError(`there is no peer "${options.peer}"`);
  return { cuts: numberOf("cuts", options.cuts, { least: 1, integer: true }), peer: options.peer };
});

/** What is tried, by how it is called. */
const ways: Record<string, (options: ChaosOptions) => Promise<ChaosResult>> =
  peer === "go"
    ? {
        "Go's server, ": (options) => goChaos({ ...options, go: "server" }),
        "Go's client, ": (options) => goChaos({ ...options, go: "client" }),
      }
    : { "": chaos };

let failed = 0;
for (const [way, attempt] of Object.entries(ways)) {
  for (const encryption of [true, false]) {
    const share = encryption ? cuts : Math.ceil(cuts / 10);
    const { harm, client, server, failures } = await attempt({ cuts: share, encryption, say: console.log });
    for (const failure of failures.slice(0, 20)) console.error(`✖ ${failure}`);
    failed += failures.length;
    console.log(
      `${way}${encryption ? "encrypted" : "plain"}: ${line(harm, client, server)}; ` +
        `${failures.length} lost, twice, or out of order`,
    );
  }
}
process.exitCode = failed === 0 ? 0 : 1;
