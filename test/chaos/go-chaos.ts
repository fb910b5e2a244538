import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type Connection, type Server, startClient, startServer } from "sealpipe";
import { GoEnd } from "../support/go-end.ts";
import type { Line } from "../support/lines-process.ts";
import { namePrefix } from "../support/names.ts";
import { type ChaosOptions, type ChaosResult, missing } from "./chaos.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { NumberedTraffic, requestType, type Tally } from "./numbered-traffic.ts";

export interface GoChaosOptions extends ChaosOptions {
  /** What the Go process is. */
  readonly go: "server" | "client";
}

interface Pair {
  readonly go: GoEnd;
  readonly ours: Server | Client;
  /** What we talk by. */
  readonly end: Connection | Client;
  readonly proxy: CuttingProxy;
}

/** The same between us and a process of the Go library. */
export async function goChaos(options: GoChaosOptions): Promise<ChaosResult> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-chaos-`));
  const traffic = new NumberedTraffic(`the ${options.go === "server" ? "client" : "server"}`);
  const failures: string[] = [];
  const { go, ours, end, proxy } = await (options.go === "server" ? withGoServer : withGoClient)(
    directory,
    options,
  );
  end.on("message", traffic.message);
  end.handle(requestType, traffic.handle);
  end.on("session-lost", () => failures.push("we lost the session"));
  const talk = traffic.talk(end);
  const theirs = go.ask({ do: "talk" });
  await Promise.race([proxy.allCut, talk, theirs]);
  traffic.stop();
  go.command({ do: "stop" });
  await talk;
  await theirs;
  const { failures: goFailures, ...tally } = await go.ask({ do: "tally" });
  await ours.close();
  await go.stop();
  await proxy.close();
  rmSync(directory, { recursive: true, force: true });
  failures.push(...traffic.failures, ...(goFailures as string[]));
  failures.push(
    ...missing("Go", traffic.tally, tallyOf(tally)),
    ...missing("we", tallyOf(tally), traffic.tally),
  );
  const [client, server] =
    options.go === "server" ? [traffic.tally, tallyOf(tally)] : [tallyOf(tally), traffic.tally];
  return { harm: proxy.harm, client, server, failures };
}

function tallyOf(line: Line): Tally {
  const { sent, received, asked, answered, handled } = line as unknown as Tally;
  return { sent, received, asked, answered, handled };
}

async function withGoServer(directory: string, { cuts, encryption }: GoChaosOptions): Promise<Pair> {
  const go = new GoEnd("server", "server", "--directory", directory, `--encryption=${encryption}`);
  await go.untilStatus("listening");
  const proxy = await startProxy(directory, cuts);
  const options = { directory, encryption, profile: "native", retryDelayMs: 1, maxRetryDelayMs: 5 } as const;
  const ours = await startClient("client", options);
  await go.untilEvent("connected");
  return { go, ours, end: ours, proxy };
}

async function withGoClient(directory: string, { cuts, encryption }: GoChaosOptions): Promise<Pair> {
  const ours = await startServer("server", { directory, encryption, profile: "native" });
  const connected = once(ours, "connection");
  const proxy = await startProxy(directory, cuts);
  const go = new GoEnd("client", "client", "--directory", directory, `--encryption=${encryption}`);
  await go.untilEvent("connected");
  await connected;
  // The last: one that was cut before the client knew of it is another, and nobody will ever come back to it.
  return { go, ours, end: ours.connections.at(-1) as Connection, proxy };
}

function startProxy(directory: string, cuts: number): Promise<CuttingProxy> {
  return CuttingProxy.start(join(directory, "client.sock"), join(directory, "server.sock"), cuts);
}
