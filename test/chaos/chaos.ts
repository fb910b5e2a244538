import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, startClient, startServer } from "sealpipe";
import { namePrefix } from "../support/names.ts";
import { CuttingProxy, type Harm } from "./cutting-proxy.ts";
import { NumberedTraffic, requestType, type Tally } from "./numbered-traffic.ts";

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

/** A client and a server that talk both ways while the line between them is cut again and again. */
export async function chaos({ cuts, encryption, say }: ChaosOptions): Promise<ChaosResult> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-chaos-`));
  const server = await startServer("server", { directory, encryption, profile: "native" });
  const proxy = await CuttingProxy.start(join(directory, "client.sock"), server.address, cuts);
  const clientTraffic = new NumberedTraffic("the client");
  const serverTraffic = new NumberedTraffic("the server");
  const failures: string[] = [];
  server.handle(requestType, serverTraffic.handle);
  server.on("message", serverTraffic.message);
  const client = await startClient("client", {
    directory,
    encryption,
    profile: "native",
    retryDelayMs: 1,
    maxRetryDelayMs: 5,
  });
  client.on("message", clientTraffic.message);
  client.handle(requestType, clientTraffic.handle);
  client.on("session-lost", () => failures.push("the client lost its session"));
  // The last: one that was cut before the client knew of it is another, and nobody will ever come back to it.
  const connection = server.connections.at(-1) as Connection;
  server.on("connection", () => failures.push("the server took the client for another"));
  const timer = setInterval(
    () => say(line(proxy.harm, clientTraffic.tally, serverTraffic.tally)),
    sayEveryMs,
  );
  const talks = [clientTraffic.talk(client), serverTraffic.talk(connection)];
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
    `client to server: ${client.sent} messages, ${client.asked} requests; ` +
    `server to client: ${server.sent} messages, ${server.asked} requests`
  );
}
