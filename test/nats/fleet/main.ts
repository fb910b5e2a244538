// Servers and clients over a cluster of three nats-servers, and the speed of one pair beside NATS's own. Exits with 0 if all
// requests were answered, with 1 if not, with 2 for bad arguments.

import { numberOf, orUsage, readOptions } from "../../support/command-line.ts";
import { fleet } from "./fleet.ts";
import { speeds } from "./speed.ts";

const usage = `Usage: npm run fleet -- [--servers N] [--clients N] [--requests N] [--rounds N]
  --servers   default 50
  --clients   default 1000
  --requests  of all clients together (default 20000)
  --rounds    of the comparison with NATS's own (default 5)`;

const options = orUsage(usage, () => {
  const given = readOptions({ servers: "50", clients: "1000", requests: "20000", rounds: "5" });
  const count = (name: keyof typeof given): number =>
    numberOf(name, given[name], { least: 1, integer: true });
  return {
    servers: count("servers"),
    clients: count("clients"),
    requests: count("requests"),
    rounds: count("rounds"),
  };
});

const { spread, connecting, asking, failures } = await fleet(options);
console.log(`${options.clients} clients over ${options.servers} servers and 3 nodes:`);
console.log(`clients of a server: ${spread.min} to ${spread.max}, deviation ${spread.deviation}`);
console.log(`connecting: ${textOf(connecting)}; all in ${connecting.allMs} ms`);
console.log(`requests: ${textOf(asking)}; ${asking.perSecond} a second`);
for (const failure of failures.slice(0, 20)) console.error(`✖ ${failure}`);

const { requests, messages } = await speeds(200_000, options.rounds);
for (const [what, { ours, nats }] of Object.entries({
  "64 requests in flight": requests,
  "64 B one way": messages,
})) {
  console.log(`${what}: ${ours} a second, encrypted; NATS's own ${nats}; ${(ours / nats).toFixed(2)} x`);
}
process.exitCode = failures.length === 0 ? 0 : 1;

function textOf({ p50Ms, p99Ms, maxMs }: typeof asking | typeof connecting): string {
  return `p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms`;
}
