import type { Row } from "./catalogue.ts";
import type { Answer } from "./process/commands.ts";
import type { Pair } from "./process/pair.ts";

/** A kind of work that is measured. */
export interface Work {
  readonly id: string;
  readonly title: string;
  readonly unit: "/s" | "µs" | "KiB";
  /** Whether it is also in a short run. */
  readonly quick: boolean;
  /** The number of connections that exist before it starts. */
  readonly clients: number;
  /** Set if the number is fixed, and does not follow from the time. */
  readonly count?: number;
  /** While it is measured, the cores are kept from falling asleep. */
  readonly awake?: boolean;
  /** In processes of its own: what it leaves behind would change a second run. */
  readonly once?: boolean;
  applies(row: Row): boolean;
  run(pair: Pair, count: number, check: "all" | "ends"): Promise<Answer>;
  /** The figure of one run for the table. */
  figure(answer: Answer, count: number): number;
}

const fanOutClients = 100;
const inFlight = 64;
const anyRow = (): boolean => true;
const manyClients = (row: Row): boolean => row.oneClient !== true;

export const works: readonly Work[] = [
  roundTrip(64, { quick: true, awake: true }),
  roundTrip(1_024, { quick: false, awake: true }),
  roundTrip(64, { quick: false, awake: false }),
  ...[64, 1_024, 65_536, 1_048_576].flatMap((bytes) => [
    oneWay("client-to-server", bytes, bytes === 64 || bytes === 65_536),
    oneWay("server-to-client", bytes, bytes === 64),
  ]),
  {
    id: "requests-64",
    title: `requests of 64 B, ${inFlight} in flight`,
    unit: "/s",
    quick: true,
    clients: 1,
    // golang-ipc has no requests; a row with one of its programs would measure its pause per message. Raw Go has none either.
    applies: ({ requests, server, client }) =>
      requests === "own" || (server.kind === "node" && client.kind === "node"),
    async run({ server, client }, count) {
      await server.ask({ do: "echo" });
      return client.ask({ do: "requests", count, bytes: 64, inFlight });
    },
    figure: perSecond,
  },
  {
    id: "connects",
    title: "connects, one after the other",
    unit: "/s",
    quick: true,
    clients: 0,
    applies: manyClients,
    run: ({ client, name }, count) => client.ask({ do: "connects", name, count }),
    figure: perSecond,
  },
  {
    id: "fan-out-64",
    title: `64 B to ${fanOutClients} clients`,
    unit: "/s",
    quick: true,
    clients: fanOutClients,
    applies: manyClients,
    async run({ server, client }, count, check) {
      await client.ask({ do: "sink", count, bytes: 64, check });
      return server.ask({ do: "source", count, bytes: 64 });
    },
    figure: (answer, count) => perSecond(answer, count) * fanOutClients,
  },
  idle(1_000),
  idle(5_000),
];

function roundTrip(bytes: number, { quick, awake }: { quick: boolean; awake: boolean }): Work {
  return {
    id: `round-trip-${awake ? "" : "asleep-"}${bytes}`,
    title: `round trip ${sizeOf(bytes)}${awake ? "" : ", cores asleep"}`,
    unit: "µs",
    quick,
    awake,
    clients: 1,
    applies: anyRow,
    async run({ server, client }, count, check) {
      await server.ask({ do: "echo" });
      return client.ask({ do: "round-trips", count, bytes, check });
    },
    figure: ({ p50 }) => p50 as number,
  };
}

function oneWay(direction: "client-to-server" | "server-to-client", bytes: number, quick: boolean): Work {
  return {
    id: `${direction}-${bytes}`,
    title: `${direction.replaceAll("-", " ")} ${sizeOf(bytes)}`,
    unit: "/s",
    quick,
    clients: 1,
    applies: anyRow,
    async run({ server, client }, count, check) {
      const [from, to] = direction === "client-to-server" ? [client, server] : [server, client];
      await to.ask({ do: "sink", count, bytes, check });
      return from.ask({ do: "source", count, bytes });
    },
    figure: perSecond,
  };
}

/** What the server's resident memory grew by for each connection that is open and silent. */
function idle(connections: number): Work {
  return {
    id: `idle-${connections}`,
    title: `memory of one of ${connections} idle connections`,
    unit: "KiB",
    quick: false,
    clients: 0,
    count: connections,
    once: true,
    applies: manyClients,
    async run(pair, count) {
      const { rssBytes: before } = await pair.server.ask({ do: "rss" });
      await pair.connect(count);
      const { rssBytes: after } = await pair.server.ask({ do: "rss" });
      return { rssBytes: (after as number) - (before as number) };
    },
    figure: ({ rssBytes }, count) => (rssBytes as number) / count / 1_024,
  };
}

function perSecond({ elapsedMs }: Answer, count: number): number {
  return (count / (elapsedMs as number)) * 1_000;
}

export function sizeOf(bytes: number): string {
  if (bytes >= 1_048_576) return `${bytes / 1_048_576} MiB`;
  return bytes >= 1_024 ? `${bytes / 1_024} KiB` : `${bytes} B`;
}
