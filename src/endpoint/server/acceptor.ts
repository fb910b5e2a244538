import type { SealpipeError } from "../../errors.ts";
import type { NativeOptions, SessionAnswer } from "../../protocol/native/options.ts";
import type { Transport } from "../../transport/transport.ts";
import type { About } from "../diagnostics.ts";
import { type ConnectionHandler, deaf } from "../driver/driver-handler.ts";
import { EngineDriver } from "../driver/engine-driver.ts";
import type { Established } from "../driver/established.ts";
import { HandshakeTurns } from "../driver/handshake-turns.ts";
import { nativeOptions } from "../options/native-options.ts";
import type { ParsedServerOptions } from "../options/parse-options.ts";
import { ReadQuota } from "../reading/read-quota.ts";

export interface AcceptorTarget {
  /** Whose it is, for diagnostics. */
  readonly about: About;
  readonly options: ParsedServerOptions;
  /** The session that a client wants to resume, or why it has ended. The client's proof is checked after this. */
  session(id: Uint8Array): SessionAnswer;
  takeOver(established: Established): ConnectionHandler;
  /** A handshake has failed; without an error, the client has left in order. */
  failed(error: SealpipeError | undefined): void;
  /** A handshake has had a turn for a costly step. */
  tookTurn(driver: EngineDriver): void;
  /** The transport of a failed handshake is gone. */
  released(driver: EngineDriver): void;
}

/** Takes clients through their handshakes. The result of each is a connection, or an error without one. */
export class Acceptor {
  readonly #target: AcceptorTarget;
  /** What this end offers to all clients alike. */
  readonly #native: NativeOptions | undefined;
  readonly #turns = new HandshakeTurns();
  /** Each handshake with the function to call once it is over. */
  readonly #underWay = new Map<EngineDriver, () => void>();
  #referenced = true;

  constructor(target: AcceptorTarget) {
    this.#target = target;
    this.#native = nativeOptions(target.options, { resumable: target.options.resumeWindowMs > 0 });
  }

  /** A client has connected, for which nobody else has to make room. */
  clientCame(): void {
    this.#turns.clientCame();
  }

  /** Begins a handshake. */
  accept(transport: Transport): EngineDriver {
    const { about, options } = this.#target;
    const quota = new ReadQuota(options.maxQueuedBytes);
    const driver: EngineDriver = new EngineDriver(
      transport,
      { ...options, about, quota, native: this.#native, turns: this.#turns, role: "server" },
      {
        ...deaf,
        resume: (id) => this.#target.session(id),
        tookTurn: () => this.#target.tookTurn(driver),
        opened: (event) => {
          this.#over(driver);
          driver.handler = this.#target.takeOver({ ...event, driver, quota });
        },
        closed: (error) => this.#target.failed(error),
        released: () => {
          this.#over(driver);
          this.#target.released(driver);
        },
      },
    );
    this.#underWay.set(driver, () => {});
    driver.setReferenced(this.#referenced);
    driver.start();
    return driver;
  }

  /** Whether handshakes keep the process alive. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const driver of this.#underWay.keys()) driver.setReferenced(referenced);
  }

  /** Ends every handshake in order. Settles once all are over. */
  async close(): Promise<void> {
    const over = [...this.#underWay.keys()].map((driver) => {
      const ended = new Promise<void>((resolve) => this.#underWay.set(driver, resolve));
      driver.setReferenced(true);
      driver.close();
      return ended;
    });
    await Promise.all(over);
  }

  /** Drops every handshake at once. */
  destroy(): void {
    for (const driver of this.#underWay.keys()) driver.destroy();
  }

  #over(driver: EngineDriver): void {
    this.#underWay.get(driver)?.();
    this.#underWay.delete(driver);
  }
}
