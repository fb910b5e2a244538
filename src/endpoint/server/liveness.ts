import { SealpipeError } from "../../errors.ts";
import { defaultEngineLimits } from "../../protocol/limits.ts";
import type { Address } from "../../transport/address.ts";
import { isListedAsListening } from "../../transport/socket-table.ts";
import { hasCode } from "../../transport/system-errors.ts";
import { clearTimeout, delay, setTimeout } from "../../transport/timers.ts";
import type { Transport, TransportProvider } from "../../transport/transport.ts";
import { deaf } from "../driver/driver-handler.ts";
import { type DriverOptions, EngineDriver } from "../driver/engine-driver.ts";
import { ReadQuota } from "../reading/read-quota.ts";

/** How long a live server may take to answer, in milliseconds. */
const patienceMs = 2_000;

/**
 * How often a socket has to refuse before it counts as dead, and the pause between, in milliseconds. Linux refuses
 * only if nobody listens. Other systems also refuse if as many clients wait for a server as the system allows.
 */
export interface Refusals {
  readonly needed: number;
  readonly pauseMs: number;
}

const refusals: Refusals =
  process.platform === "linux" ? { needed: 1, pauseMs: 0 } : { needed: 10, pauseMs: 50 };

/**
 * Whether a server is alive at `address`. Only a socket that refuses connections, or does not exist, counts as dead.
 *
 * A golang-ipc server stops serving for ever when a client hangs up in the handshake. So the kernel's list is
 * consulted first, which the server does not notice; if only a connection can show it, the handshake is finished
 * before the connection is closed.
 */
export async function isServerAlive(
  address: Address,
  provider: TransportProvider,
  { needed, pauseMs } = refusals,
): Promise<boolean> {
  if (await isListedAsListening(address.path)) return true;
  for (let refused = 0; refused < needed; refused++) {
    if (refused > 0) await delay(pauseMs);
    if (await answers(address, provider)) return true;
  }
  return false;
}

async function answers(address: Address, provider: TransportProvider): Promise<boolean> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    await meet(await provider.connect(address, patience.signal));
    return true;
  } catch (error) {
    return !saysNobody(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Completes the handshake and closes in order. */
function meet(transport: Transport): Promise<void> {
  const options: DriverOptions = {
    about: undefined,
    ...defaultEngineLimits,
    handshakeTimeoutMs: patienceMs,
    closeTimeoutMs: patienceMs,
    role: "client",
    encryption: false,
    profile: "auto",
    secret: undefined,
    batchCipher: false,
    native: undefined,
    turns: undefined,
    quota: new ReadQuota(1),
  };
  return new Promise<void>((resolve) => {
    const driver = new EngineDriver(transport, options, { ...deaf, released: resolve });
    driver.start();
    driver.close();
  });
}

/** True for the two errors by which the system reports that nobody listens. */
function saysNobody(error: unknown): boolean {
  if (!(error instanceof SealpipeError) || error.code !== "ERR_CONNECT_FAILED") return false;
  return hasCode(error.cause, "ECONNREFUSED") || hasCode(error.cause, "ENOENT");
}
