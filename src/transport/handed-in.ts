import type { Duplex } from "node:stream";
import { PeerError } from "../errors.ts";
import type { Address } from "./address.ts";
import { handedInFailed } from "./connect-failure.ts";
import { DuplexTransport } from "./duplex-transport.ts";
import { isError, messageOf } from "./system-errors.ts";
import { clearTimeout, setTimeout } from "./timers.ts";
import type { Dialer } from "./transport.ts";
import { isSpent } from "./usable-duplex.ts";

/** Makes a duplex to the server, a new one for each try to connect. */
export type MakeDuplex = (options: { readonly signal: AbortSignal }) => Duplex | Promise<Duplex>;

/**
 * Connects by a duplex that the program makes. A server speaks first, so that this has succeeded only once the duplex has
 * given something, for which there are `patienceMs` in all.
 */
export function handedIn(make: MakeDuplex, patienceMs: number): Dialer {
  return {
    async connect(address, signal) {
      signal.throwIfAborted();
      const patience = new Patience(patienceMs, signal);
      let transport: DuplexTransport | undefined;
      try {
        const duplex = await patience.wait(made(make, address, signal), drop);
        // Whoever gives it may not have noticed yet.
        if (isSpent(duplex)) throw handedInFailed(address, duplex.errored ?? new Error("it is destroyed"));
        transport = new DuplexTransport(duplex);
        await patience.wait(transport.heard());
        if (transport.hasHeard) return transport;
        const { error = new Error("it ended before the server had said anything") } = transport;
        throw handedInFailed(address, error, isFinal(error));
      } catch (error) {
        transport?.destroy();
        throw error;
      } finally {
        patience.end();
      }
    },
  };
}

async function made(make: MakeDuplex, address: Address, signal: AbortSignal): Promise<Duplex> {
  try {
    return await make({ signal });
  } catch (error) {
    throw handedInFailed(address, isError(error) ? error : new Error(messageOf(error), { cause: error }));
  }
}

/** The wait for something that may take `ms`, unless the signal aborts. It keeps the process alive. */
class Patience {
  readonly #over: Promise<never>;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  readonly #aborted: () => void;
  #isOver = false;

  constructor(ms: number, signal: AbortSignal) {
    let reject: (reason: unknown) => void = () => {};
    this.#over = new Promise((_, rejectIt) => {
      reject = rejectIt;
    });
    this.#over.catch(() => {});
    this.#timer = setTimeout(() => reject(silent(ms)), ms);
    this.#signal = signal;
    this.#aborted = () => reject(signal.reason);
    signal.addEventListener("abort", this.#aborted);
  }

  /** @throws PeerError `ERR_HANDSHAKE_TIMEOUT`, or the signal's reason; then what comes later is given to `late`. */
  async wait<T>(promise: Promise<T>, late: (value: T) => void = () => {}): Promise<T> {
    promise.then((value) => this.#isOver && late(value)).catch(() => {});
    return Promise.race([promise, this.#over]);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#aborted);
  }
}

function silent(ms: number): PeerError {
  return new PeerError("ERR_HANDSHAKE_TIMEOUT", `nothing came through the transport within ${ms} ms`);
}

/** Failures that another try cannot mend. */
const final = new WeakSet<Error>();

/** Marks what a duplex fails with as a failure that another try cannot mend. */
export function asFinal(error: Error): Error {
  final.add(error);
  return error;
}

function isFinal(error: Error): boolean {
  return final.has(error);
}

function drop(duplex: Duplex): void {
  if (typeof Object(duplex).destroy !== "function") return;
  duplex.on("error", () => {});
  duplex.destroy();
}
