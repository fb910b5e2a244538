import { concat } from "./bytes.ts";
import { type Cutting, whole } from "./cutting.ts";
import { EngineProbe, type ProbeOptions } from "./engine-probe.ts";
import { FakeClock } from "./fake-clock.ts";

type EndOptions = Omit<ProbeOptions, "role" | "clock">;

export interface PairOptions {
  readonly client?: EndOptions;
  readonly server?: EndOptions;
  readonly cutting?: Cutting;
}

/** A client's and a server's engine on one clock, with a transport between them that the test controls. */
export class EnginePair {
  readonly clock = new FakeClock();
  readonly client: EngineProbe;
  readonly server: EngineProbe;
  readonly #cutting: Cutting;
  readonly #ended = new Set<EngineProbe>();

  constructor({ client = {}, server = {}, cutting = whole }: PairOptions = {}) {
    this.client = new EngineProbe({ ...client, role: "client", clock: this.clock });
    this.server = new EngineProbe({ ...server, role: "server", clock: this.clock });
    this.#cutting = cutting;
  }

  /** Moves bytes, and then the end of them, both ways until both sides are quiet. */
  run(): this {
    for (let moved = true; moved; ) {
      const fromServer = this.#move(this.server, this.client);
      const fromClient = this.#move(this.client, this.server);
      moved = fromServer || fromClient;
    }
    return this;
  }

  #move(from: EngineProbe, to: EngineProbe): boolean {
    from.takeEvents();
    const bytes = concat(...from.takeWrites());
    to.receive(bytes, this.#cutting);
    const ends = from.engine.outputEnded && !this.#ended.has(from);
    if (ends) {
      this.#ended.add(from);
      to.end();
    }
    return ends || bytes.length > 0;
  }
}

/** A pair whose handshake has been over for a second, and whose `open` events are taken. */
export function openPair(options: PairOptions = {}): EnginePair {
  const pair = new EnginePair(options).run();
  for (const end of [pair.client, pair.server]) {
    if (end.state !== "open") throw new Error(`the handshake ended ${end.state}: ${end.events.join(", ")}`);
    end.events.length = 0;
  }
  pair.clock.advance(1_000);
  return pair;
}
