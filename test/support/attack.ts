import assert from "node:assert/strict";
import { after, describe, type TestContext } from "node:test";
import type { ServerOptions } from "sealpipe";
import { exitOf, startChild } from "./children.ts";
import { startAttackedGoServer } from "./go-end.ts";
import { lacksGo } from "./go-peer.ts";
import { HealthyClient } from "./healthy-client.ts";
import type { LinesProcess } from "./lines-process.ts";
import { freshName } from "./names.ts";
import { lacksPython, startAttackedPythonServer } from "./python-starter.ts";
import { addressOf, RawPeer } from "./raw-peer.ts";

export interface Report {
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  /** Clients with their handshake done, the healthy one among them. */
  readonly connections: number;
  /** How often the server reported each code. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface AttackOptions extends ServerOptions {
  /** How often the healthy client's messages must have come back before the attackers let go. Default 20. */
  readonly minRoundTrips?: number;
  /** Whether the healthy client's messages are items of a stream. */
  readonly overStream?: boolean;
}

const mebibyte = 1_048_576;
export const mib = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`;

/** A server in a process of its own that is under attack, with a healthy client beside. */
export class AttackedServer {
  readonly name: string;
  readonly encryption: boolean;
  readonly healthy: HealthyClient;
  readonly #process: LinesProcess;
  readonly #test: TestContext;

  private constructor(
    t: TestContext,
    name: string,
    process: LinesProcess,
    healthy: HealthyClient,
    encryption: boolean,
  ) {
    this.#test = t;
    this.name = name;
    this.#process = process;
    this.healthy = healthy;
    this.encryption = encryption;
  }

  static async start(
    t: TestContext,
    start: StartServer,
    { overStream = false, ...options }: Omit<AttackOptions, "minRoundTrips">,
  ): Promise<AttackedServer> {
    const name = freshName();
    const encryption = options.encryption ?? true;
    const process = start(name, JSON.stringify(options));
    await process.until(({ event }) => event === "listening");
    const healthy = await HealthyClient.start(t, name, { encryption, overStream });
    return new AttackedServer(t, name, process, healthy, encryption);
  }

  /** A bare socket to it, dropped after the test. */
  async connect(): Promise<RawPeer> {
    const peer = await RawPeer.connect(addressOf(this.name));
    this.#test.after(() => peer.destroy());
    return peer;
  }

  /** The code of the next error that it tells. */
  async nextError(): Promise<string> {
    const { code } = await this.#process.until(({ event }) => event === "error");
    return code as string;
  }

  /** The next of its connections that is over, without an error before: its status. */
  async nextEnd(): Promise<string> {
    const line = await this.#process.until(({ event }) => event === "left" || event === "error");
    assert.equal(line["event"], "left", `there was ${line["code"]}`);
    return line["status"] as string;
  }

  /** With all its connections; it must then end by itself, since nothing is left that keeps it. */
  async end(): Promise<void> {
    this.#process.command({ do: "end" });
    assert.equal(await exitOf(this.#process), 0);
  }

  async report(): Promise<Report> {
    this.#process.command({ do: "report" });
    return (await this.#process.until(({ event }) => event === "report")) as unknown as Report;
  }
}

/**
 * Attacks a server while a healthy client's messages go to it and back. The healthy client must notice nothing:
 * neither during the attack, nor while the attackers are still connected.
 */
export type Attack = (
  t: TestContext,
  options: AttackOptions,
  act: (server: AttackedServer) => Promise<void>,
) => Promise<void>;

type StartServer = (name: string, options: string) => LinesProcess;

export const attackTypeScript: Attack = attackOn((name, json) => startChild("echo-server", name, json));

type Language = "TypeScript" | "Go" | "Python";

/** The same tests for a server of each language, or of some. */
export function describeAttacks(
  title: string,
  {
    languages = ["TypeScript", "Go", "Python"],
    ...options
  }: { timeout: number; languages?: readonly Language[] },
  define: (attack: Attack, language: Language) => void,
): void {
  for (const language of languages) {
    const { attack, skip } = attacked[language]();
    const where = language === "TypeScript" ? "" : `, with a server in ${language}`;
    describe(`${title}${where}`, { ...options, skip }, () => {
      define(attack, language);
    });
  }
}

const attacked: Record<Language, () => { attack: Attack; skip: string | false }> = {
  TypeScript: () => ({ attack: attackTypeScript, skip: false }),
  Go: () => ({ attack: attackOn(startAttackedGo), skip: lacksGo() }),
  Python: () => ({
    attack: attackOn((name, options) => startAttackedPythonServer("attacked", name, options)),
    skip: lacksPython(),
  }),
};

function startAttackedGo(name: string, options: string): LinesProcess {
  const server = startAttackedGoServer("attacked", name, options);
  after(() => server.kill());
  return server;
}

function attackOn(start: StartServer): Attack {
  return async (t, { minRoundTrips = 20, ...options }, act) => {
    const server = await AttackedServer.start(t, start, options);
    try {
      await server.healthy.goOn(1);
      const before = server.healthy.roundTrips;
      await act(server);
      const during = server.healthy.roundTrips - before;
      await server.healthy.goOn(Math.max(1, minRoundTrips - during));
      const roundTrips = server.healthy.roundTrips - before;
      t.diagnostic(`${roundTrips} undisturbed round trips beside it, ${during} of them before its end`);
      await server.healthy.stop();
    } finally {
      await server.end();
    }
  };
}

/** By how much the server's memory has grown at its highest, when `act` is over and the healthy client went on. */
export async function growth(
  t: { diagnostic(message: string): void },
  server: AttackedServer,
  act: () => Promise<void>,
): Promise<number> {
  const before = await server.report();
  await act();
  await server.healthy.goOn(20);
  const after = await server.report();
  t.diagnostic(
    `RSS ${mib(before.rssBytes)} before, ${mib(after.rssBytes)} after, ${mib(after.peakRssBytes)} at its highest`,
  );
  return after.peakRssBytes - before.rssBytes;
}
