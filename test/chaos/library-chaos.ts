import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type Connection, type Server, startClient, startServer } from "sealpipe";
import type { Line } from "../support/lines-process.ts";
import { namePrefix } from "../support/names.ts";
import type { OtherEnd, OtherLibrary } from "../support/other-end.ts";
import { type ChaosOptions, type ChaosResult, missing } from "./chaos.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { NumberedTraffic, requestType, streamType, type Tally } from "./numbered-traffic.ts";

export interface LibraryChaosOptions extends ChaosOptions {
  readonly other: OtherLibrary;
  /** What the process of the other library is. */
  readonly role: "server" | "client";
}

interface Pair {
  readonly them: OtherEnd;
  readonly ours: Server | Client;
  /** What we talk by. */
  readonly end: Connection | Client;
  readonly proxy: CuttingProxy;
}

/** The same between us and a process of another library. */
export async function libraryChaos(options: LibraryChaosOptions): Promise<ChaosResult> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-chaos-`));
  const traffic = new NumberedTraffic(`the ${options.role === "server" ? "client" : "server"}`);
  const failures: string[] = [];
  const { them, ours, end, proxy } = await (options.role === "server" ? withTheirServer : withTheirClient)(
    directory,
    options,
  );
  end.on("message", traffic.message);
  end.handle(requestType, traffic.handle);
  end.handleStream(streamType, traffic.echo);
  end.on("session-lost", () => failures.push("we lost the session"));
  const talk = Promise.all([traffic.talk(end), traffic.stream(end)]);
  const theirs = them.ask({ do: "talk" });
  await Promise.race([proxy.allCut, talk, theirs]);
  traffic.stop();
  them.command({ do: "stop" });
  await talk;
  await theirs;
  const { failures: theirFailures, ...tally } = await them.ask({ do: "tally" });
  await ours.close();
  await them.stop();
  await proxy.close();
  rmSync(directory, { recursive: true, force: true });
  failures.push(...traffic.failures, ...(theirFailures as string[]));
  failures.push(
    ...missing(options.other.name, traffic.tally, tallyOf(tally)),
    ...missing("we", tallyOf(tally), traffic.tally),
  );
  const [client, server] =
    options.role === "server" ? [traffic.tally, tallyOf(tally)] : [tallyOf(tally), traffic.tally];
  return { harm: proxy.harm, client, server, failures };
}

export interface PairChaosOptions extends ChaosOptions {
  readonly server: OtherLibrary;
  readonly client: OtherLibrary;
}

/** The same between processes of two other libraries. */
export async function pairChaos({
  server,
  client,
  cuts,
  encryption,
}: PairChaosOptions): Promise<ChaosResult> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-chaos-`));
  const flags = ["--directory", directory, `--encryption=${encryption}`, "--profile", "native"];
  const serving = server.start("server", "server", ...flags);
  await serving.untilStatus("listening");
  const proxy = await startProxy(directory, cuts);
  const connecting = client.start("client", "client", ...flags);
  await connecting.untilEvent("connected");
  // From here on the server talks to the connection that this came from: an earlier one may have been cut.
  connecting.command({ do: "write", type: otherType });
  await serving.untilEvent("message");
  const ends = [connecting, serving];
  const talks = ends.map((end) => end.ask({ do: "talk" }));
  await Promise.race([proxy.allCut, ...talks]);
  for (const end of ends) end.command({ do: "stop" });
  await Promise.all(talks);
  const [clients, servers] = await Promise.all(ends.map((end) => end.ask({ do: "tally" })));
  await connecting.stop();
  await serving.stop();
  await proxy.close();
  rmSync(directory, { recursive: true, force: true });
  const tallies = [tallyOf(clients as Line), tallyOf(servers as Line)] as const;
  const failures = [clients, servers].flatMap((tally) => tally?.["failures"] as string[]);
  failures.push(...missing(`${server.name}'s server`, tallies[0], tallies[1]));
  failures.push(...missing(`${client.name}'s client`, tallies[1], tallies[0]));
  return { harm: proxy.harm, client: tallies[0], server: tallies[1], failures };
}

/** Of a message that is none of the numbered ones. */
const otherType = 5;

function tallyOf(line: Line): Tally {
  const { sent, received, asked, answered, handled, echoed } = line as unknown as Tally;
  return { sent, received, asked, answered, handled, echoed };
}

async function withTheirServer(
  directory: string,
  { other, cuts, encryption }: LibraryChaosOptions,
): Promise<Pair> {
  const them = other.start("server", "server", "--directory", directory, `--encryption=${encryption}`);
  await them.untilStatus("listening");
  const proxy = await startProxy(directory, cuts);
  const options = { directory, encryption, profile: "native", retryDelayMs: 1, maxRetryDelayMs: 5 } as const;
  const ours = await startClient("client", options);
  await them.untilEvent("connected");
  return { them, ours, end: ours, proxy };
}

async function withTheirClient(
  directory: string,
  { other, cuts, encryption }: LibraryChaosOptions,
): Promise<Pair> {
  const ours = await startServer("server", { directory, encryption, profile: "native" });
  // Not by `once`, which an "error" rejects: a handshake that is cut is one, and the client comes back after it.
  const connected = new Promise((resolve) => ours.once("connection", resolve));
  const proxy = await startProxy(directory, cuts);
  const them = other.start("client", "client", "--directory", directory, `--encryption=${encryption}`);
  await them.untilEvent("connected");
  await connected;
  // The last: one that was cut before the client knew of it is another, and nobody will ever come back to it.
  return { them, ours, end: ours.connections.at(-1) as Connection, proxy };
}

function startProxy(directory: string, cuts: number): Promise<CuttingProxy> {
  return CuttingProxy.start(join(directory, "client.sock"), join(directory, "server.sock"), cuts);
}
