import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { namePrefix } from "../support/names.ts";
import { delayText, type Figures, figuresText, Gauge, leaks } from "./figures.ts";
import { type Report, ServerProcess } from "./server-process.ts";
import { type Host, type Visit, visits } from "./visits.ts";

/** How long visitors come: in milliseconds, or a number of rounds in which each kind of visitor comes once to each server. */
export type Length = { readonly ms: number } | { readonly rounds: number };

export interface SoakOptions {
  readonly warmUp: Length;
  readonly length: Length;
  readonly atATime: number;
  readonly figuresEveryMs: number;
  /**
   * What 99 of 100 turns of the server's event loop must keep below, each time that figures are told. The clients' is told
   * and not judged: it starts processes, which holds it up.
   */
  readonly maxDelayP99Ms?: number;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly failures: readonly string[];
  readonly visits: number;
  readonly server: Report;
}

const settlePatienceMs = 15_000;
const hostNames = ["sealed", "plain"] as const;

interface Taken {
  readonly server: Report;
  readonly own: Figures;
}

/** Clients and what pretends to be one come to a server process and go, in every way there is; and then nothing of them may be left. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const directory = mkdtempSync(join(tmpdir(), `${namePrefix}-soak-`));
  const run = new Soak(options, directory, await ServerProcess.start(directory));
  try {
    return await run.run();
  } finally {
    await run.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #directory: string;
  readonly #server: ServerProcess;
  readonly #gauge = new Gauge();
  readonly #failures: string[] = [];
  readonly #counts = new Map<Visit, number>(visits.map((visit) => [visit, 0]));
  readonly #started = performance.now();
  #certain = 0;

  constructor(options: SoakOptions, directory: string, server: ServerProcess) {
    this.#options = options;
    this.#directory = directory;
    this.#server = server;
  }

  async run(): Promise<SoakResult> {
    const start = await this.#take();
    this.#say("start", start);
    await this.#receive(this.#options.warmUp);
    const warm = await this.#settle(start);
    this.#say("warm", warm);
    await this.#receive(this.#options.length);
    const end = await this.#settle(start);
    this.#say("end", end);
    for (const leak of this.#leaks({ start, warm, end })) this.#failures.push(leak);
    const { certain } = end.server.messages;
    if (certain !== this.#certain) this.#failures.push(`${certain} of ${this.#certain} messages arrived`);
    this.#judgeDelay(end);
    await this.#close();
    for (const [{ title }, count] of this.#counts)
      this.#options.say(`${String(count).padStart(8)}  ${title}`);
    const came = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    return { failures: this.#failures, visits: came, server: end.server };
  }

  async end(): Promise<void> {
    await this.#server.kill();
  }

  async #take(): Promise<Taken> {
    const server = await this.#server.report({ collect: true });
    return { server, own: await this.#gauge.takeClean() };
  }

  /** The figures once all is as at the start, or patience is over. */
  async #settle(start: Taken): Promise<Taken> {
    const patience = AbortSignal.timeout(settlePatienceMs);
    for (;;) {
      const now = await this.#take();
      const left = this.#leaks({ start, warm: now, end: now });
      if (left.length === 0 || patience.aborted) return now;
      await delay(100);
    }
  }

  #leaks({ start, warm, end }: Record<"start" | "warm" | "end", Taken>): string[] {
    const found = [
      ...leaks({ start: start.server.figures, warm: warm.server.figures, end: end.server.figures }).map(
        (leak) => `in the server's process ${leak}`,
      ),
      ...leaks({ start: start.own, warm: warm.own, end: end.own }).map(
        (leak) => `in the clients' process ${leak}`,
      ),
    ];
    const { connections } = end.server;
    return connections === 0 ? found : [...found, `the server has ${connections} connections`];
  }

  /** Lets visitors come, so many at a time, until it is enough. */
  async #receive(length: Length): Promise<void> {
    const coming = this.#coming(length);
    const figures = this.#tellFigures();
    const line = async (): Promise<void> => {
      for (const [visit, host, turn] of coming) await this.#goOnce(visit, host, turn);
    };
    await Promise.all(Array.from({ length: this.#options.atATime }, line));
    await figures.stop();
  }

  *#coming(length: Length): Generator<readonly [Visit, Host, number]> {
    const started = performance.now();
    for (let round = 0; !("rounds" in length) || round < length.rounds; round++) {
      for (const visit of visits) {
        for (const name of hostNames) {
          if ("ms" in length && performance.now() - started >= length.ms) return;
          yield [visit, { directory: this.#directory, name }, round];
        }
      }
    }
  }

  async #goOnce(visit: Visit, host: Host, turn: number): Promise<void> {
    try {
      const sent = await visit.go(host, turn);
      this.#certain += sent;
      this.#counts.set(visit, (this.#counts.get(visit) ?? 0) + 1);
    } catch (error) {
      const failure = `${visit.title} (${host.name}, turn ${turn}): ${(error as Error).stack}`;
      this.#failures.push(failure);
      this.#options.say(`✖ ${failure}`);
    }
  }

  #tellFigures(): { stop(): Promise<void> } {
    const stopping = new AbortController();
    const telling = (async () => {
      for (;;) {
        await delay(this.#options.figuresEveryMs, undefined, { signal: stopping.signal });
        this.#say("", { server: await this.#server.report(), own: this.#gauge.take() });
      }
    })().catch((error: unknown) => {
      if (!stopping.signal.aborted) this.#failures.push(`the server tells nothing: ${error}`);
    });
    return {
      stop() {
        stopping.abort();
        return telling;
      },
    };
  }

  #judgeDelay({ server, own }: Taken): void {
    const { worstDelay } = server.figures;
    this.#options.say(
      `Worst p50/p99/max of event loops: the server's ${delayText(worstDelay)} ms, the clients' ${delayText(own.worstDelay)} ms`,
    );
    const highest = this.#options.maxDelayP99Ms ?? Number.POSITIVE_INFINITY;
    if (worstDelay.p99Ms <= highest) return;
    this.#failures.push(
      `the server's event loop had a p99 of ${worstDelay.p99Ms.toFixed(0)} ms, over ${highest}`,
    );
  }

  async #close(): Promise<void> {
    const code = await this.#server.close();
    if (code !== 0) this.#failures.push(`the server's process ended with ${code}`);
    for (const file of readdirSync(this.#directory)) this.#failures.push(`the file ${file} was left behind`);
  }

  #say(when: string, { server, own }: Taken): void {
    const { figures, connections, clients, messages } = server;
    const seconds = ((performance.now() - this.#started) / 1_000).toFixed(0);
    this.#options.say(
      `${seconds.padStart(5)} s ${when.padEnd(5)} server: ${figuresText(figures)}, ${connections} connections, ` +
        `${clients} so far, ${messages.all} messages\n${" ".repeat(14)}clients: ${figuresText(own)}`,
    );
  }
}
