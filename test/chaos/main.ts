// Cuts the connection of two ends that talk both ways, again and again, and looks whether anything was lost, came twice
// or out of order. Exits with 0 where nothing was, with 1 where something was, with 2 for bad arguments.

import { numberOf, orUsage, readOptions, UsageError } from "../support/command-line.ts";
import { go } from "../support/go-library.ts";
import type { OtherLibrary } from "../support/other-end.ts";
import { pythonLibrary } from "../support/python-starter.ts";
import { type ChaosOptions, type ChaosResult, chaos, line } from "./chaos.ts";
import { cutNats } from "./cut-nats.ts";
import { cutSsh } from "./cut-ssh.ts";
import { libraryChaos, pairChaos } from "./library-chaos.ts";

const usage = `Usage: npm run chaos -- [--cuts N] [--peer go|python [--with go|python] | --over ssh|nats]
  --cuts  how often the connection is cut, encrypted, and a tenth as often plain (default 1000)
  --peer  the library of the other end, which is first the server and then the client
  --with  the library of this end (default TypeScript's)
  --over  "ssh": the connection is ssh, a real sshd and sealpipe dial, whose processes are killed and stopped;
          "nats": a cluster of three nats-servers, which are killed, started again and stopped`;

const libraries: Record<string, OtherLibrary> = { go, python: pythonLibrary };

const { cuts, other, beside, over } = orUsage(usage, () => {
  const options = readOptions({ cuts: "1000", peer: "", with: "", over: "" });
  const { peer, with: beside, over } = options;
  for (const library of [peer, beside]) {
    if (library !== "" && !Object.hasOwn(libraries, library))
      throw new UsageError(`there is no "${library}"`);
  }
  if (beside !== "" && peer === "") throw new UsageError("--with needs --peer");
  if (!["", "ssh", "nats"].includes(over)) throw new UsageError(`there is no chaos over "${over}"`);
  if (peer !== "" && over !== "") throw new UsageError("give --peer or --over");
  const cuts = numberOf("cuts", options.cuts, { least: 1, integer: true });
  return { cuts, other: libraries[peer], beside: libraries[beside], over };
});

other?.prepare();
beside?.prepare();

/** What is tried, by how it is called. */
function ways(): Record<string, (options: ChaosOptions) => Promise<ChaosResult>> {
  if (other !== undefined && beside !== undefined) {
    return {
      [`${other.name}'s server, `]: (options) => pairChaos({ ...options, server: other, client: beside }),
      [`${other.name}'s client, `]: (options) => pairChaos({ ...options, server: beside, client: other }),
    };
  }
  if (other !== undefined) {
    return {
      [`${other.name}'s server, `]: (options) => libraryChaos({ ...options, other, role: "server" }),
      [`${other.name}'s client, `]: (options) => libraryChaos({ ...options, other, role: "client" }),
    };
  }
  if (over === "ssh") return { "over ssh, ": (options) => chaos(options, cutSsh) };
  if (over === "nats") return { "over NATS, ": (options) => chaos(options, cutNats) };
  return { "": chaos };
}

let failed = 0;
for (const [way, attempt] of Object.entries(ways())) {
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
