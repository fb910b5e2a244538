import type { SealpipeError } from "../../errors.ts";
import type { NativeSession } from "../../protocol/native/session.ts";
import type { Transport } from "../../transport/transport.ts";
import { deaf, EngineDriver } from "../driver/engine-driver.ts";
import type { TakeOver } from "../driver/established.ts";
import { HandshakeTurns } from "../driver/handshake-turns.ts";
import { nativeOptions } from "../options/native-options.ts";
import type { ParsedServerOptions } from "../options/options.ts";
import { ReadQuota } from "../reading/read-quota.ts";

export interface AcceptorTarget {
  readonly options: ParsedServerOptions;
  /** The session that a client asks to go on with. That it is the one is seen after this. */
  session(id: Uint8Array): NativeSession | undefined;
  readonly takeOver: TakeOver;
  /** A handshake has come to nothing; in order if there is no error. */
  failed(error: SealpipeError | undefined): void;
  /** One has had a turn for a costly step. */
  tookTurn(driver: EngineDriver): void;
  /** The transport of one that has come to nothing is gone. */
  released(driver: EngineDriver): void;
}

/** Takes clients through their handshakes. What comes of one is a connection, or an error that belongs to none. */
export class Acceptor {
  readonly #target: AcceptorTarget;
  readonly #turns = new HandshakeTurns();
  /** Each with what is to be called once it is over. */
  readonly #underWay = new Map<EngineDriver, () => void>();
  #referenced = true;

  constructor(target: AcceptorTarget) {
    this.#target = target;
  }

  /** A client has come, for which nobody else has to make room. */
  clientCame(): void {
    this.#turns.clientCame();
  }

  /** Begins a handshake. */
  accept(transport: Transport): EngineDriver {
    const { options } = this.#target;
    const quota = new ReadQuota(options.maxQueuedBytes);
    const native = nativeOptions(options, { resumable: options.resumeWindowMs > 0 });
    const driver: EngineDriver = new EngineDriver(
      transport,
      { ...options, quota, native, turns: this.#turns, role: "server" },
      {
        ...deaf,
        resume: (id) => this.#target.session(id),
        tookTurn: () => this.#target.tookTurn(driver),
        opened: (event) => {
          this.#over(driver);
          driver.handler = { ...deaf, ...this.#target.takeOver({ ...event, driver, quota }) };
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
