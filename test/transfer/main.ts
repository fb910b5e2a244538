// Sends a large file in a stream from one process to another, beside small requests. Exits with 0 if all of it arrived as it was
// and neither process grew by more than is allowed, with 1 if not, with 2 for bad arguments.

import { numberOf, orUsage, readOptions } from "../support/command-line.ts";
import { faults, transfer } from "./transfer.ts";

const usage = `Usage: npm run transfer -- [--mebibytes N] [--encryption yes|no]
  --mebibytes   how large the file is (default 1024)
  --encryption  "no": on a plain connection`;

const { mebibytes, encryption } = orUsage(usage, () => {
  const options = readOptions({ mebibytes: "1024", encryption: "yes" });
  return {
    mebibytes: numberOf("mebibytes", options.mebibytes, { least: 1, integer: true }),
    encryption: options.encryption !== "no",
  };
});

const mib = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;

const result = await transfer({
  mebibytes,
  encryption,
  requestsAlone: 200_000,
  figuresEveryMs: 500,
  say: console.log,
});
const { elapsedMs, arrivedHash, clientGrowthBytes, serverGrowthBytes, alone, beside } = result;
const failures = faults(result, mebibytes);
for (const failure of failures) console.error(`✖ ${failure}`);
console.log(
  `${mebibytes} MiB in ${(elapsedMs / 1_000).toFixed(1)} s, SHA-256 ${arrivedHash}; the sender grew by ` +
    `${mib(clientGrowthBytes)} at most, the receiver by ${mib(serverGrowthBytes)}; p99 of the requests beside it ` +
    `${(beside.p99Ms / alone.p99Ms).toFixed(1)} times that without it; ${failures.length} failures`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
