import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientOptions, type Connection, type Server, startClient, startServer } from "sealpipe";
import { namePrefix } from "../support/names.ts";
import { CuttingProxy, type Harm } from "./cutting-proxy.ts";
import { NumberedTraffic, requestType, streamType, type Tally } from "./numbered-traffic.ts";

export interface ChaosOptions {
  readonly cuts: number;
  readonly encryption: boolean;
  say(line: string): void;
}

export interface ChaosResult {
  readonly harm: Harm;
  readonly client: Tally;
  readonly server: Tally;
  readonly failures: readonly string[];
}

const sayEveryMs = 5_000;

/** What a client and its server talk through, and what breaks it. */
export interface Line {
  /** How the client gets to the server. */
  readonly options: ClientOptions;
  readonly harm: Harm;
  /** Resolves with the last cut. */
  readonly allCut: Promise<void>;
  close(): Promise<void>;
}

export type MakeLine = (directory: string, server: Server, cuts: number) => Promise<Line>;

/** A socket, with a proxy between. */
const cutSocket: MakeLine = async (directory, server, cuts) => {
  const proxy = await CuttingProxy.start(join(directory, "client.sock"), server.address, cuts);
  return {
    options: { directory },
    harm: proxy.harm,
    allCut: proxy.allCut,
    close: () => proxy.close(),
  };
};

/** A client and a server that talk both ways while the line between them is cut again and again. */
export async function chaos(
  { cuts, encryption, say }: ChaosOptions,
  makeLine: MakeLine = cutSocket,
): Promise<ChaosResult> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-chaos-`));
  const server = await startServer("server", {
    directory,
    encryption,
    profile: "native",
    authenticatedBy: "transport",
  });
  const proxy = await makeLine(directory, server, cuts);
  const clientTraffic = new NumberedTraffic("the client");
  const serverTraffic = new NumberedTraffic("the server");
  const failures: string[] = [];
  server.handle(requestType, serverTraffic.handle);
  server.handleStream(streamType, serverTraffic.echo);
  server.on("message", serverTraffic.message);
  const client = await startClient("client", {
    encryption,
    profile: "native",
    retryDelayMs: 1,
    maxRetryDelayMs: 5,
    ...proxy.options,
  });
  client.on("message", clientTraffic.message);
  client.handle(requestType, clientTraffic.handle);
  client.handleStream(streamType, clientTraffic.echo);
  client.on("session-lost", () => failures.push("the client lost its session"));
  // The last: one that was cut before the client knew of it is another, and nobody will ever come back to it.
  const connection = server.connections.at(-1) as Connection;
  server.on("connection", () => failures.push("the server took the client for another"));
  const timer = setInterval(
    () => say(line(proxy.harm, clientTraffic.tally, serverTraffic.tally)),
    sayEveryMs,
  );
  const talks = [
    clientTraffic.talk(client),
    serverTraffic.talk(connection),
    clientTraffic.stream(client),
    serverTraffic.stream(connection),
  ];
  await Promise.race([proxy.allCut, ...talks]);
  clientTraffic.stop();
  serverTraffic.stop();
  await Promise.all(talks);
  clearInterval(timer);
  await client.close();
  await server.close();
  await proxy.close();
  rmSync(directory, { recursive: true, force: true });
  failures.push(...clientTraffic.failures, ...serverTraffic.failures);
  failures.push(...missing("the server", clientTraffic.tally, serverTraffic.tally));
  failures.push(...missing("the client", serverTraffic.tally, clientTraffic.tally));
  return { harm: proxy.harm, client: clientTraffic.tally, server: serverTraffic.tally, failures };
}

/** What `from` sent, `to` has to have got. */
export function missing(to: string, sent: Tally, got: Tally): string[] {
  const failures: string[] = [];
  if (got.received !== sent.sent) failures.push(`${to} got ${got.received} of ${sent.sent} messages`);
  if (got.handled !== sent.asked) failures.push(`${to} was asked ${got.handled} of ${sent.asked} requests`);
  if (sent.answered !== sent.asked)
    failures.push(`${to} answered ${sent.answered} of ${sent.asked} requests`);
  return failures;
}

export function line({ cuts, truncations, stalls, delays }: Harm, client: Tally, server: Tally): string {
  return (
    `${cuts} cuts (${truncations} within what was sent at once), ${stalls} stalls, ${delays} delays; ` +
    `client to server: ${said(client)}; server to client: ${said(server)}`
  );
}

function said({ sent, asked, echoed }: Tally): string {
  return `${sent} messages, ${asked} requests, ${echoed} items there and back`;
}
