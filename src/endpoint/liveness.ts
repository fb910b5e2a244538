import { SealpipeError } from "../errors.ts";
import { defaultSessionLimits } from "../protocol/limits.ts";
import type { Address } from "../transport/address.ts";
import { hasCode } from "../transport/file-system.ts";
import { isListedAsListening } from "../transport/socket-table.ts";
import type { TransportProvider } from "../transport/transport.ts";
import { ReadQuota } from "./read-quota.ts";
import { SessionDriver } from "./session-driver.ts";

/** How long a server that is alive may take to say so, in milliseconds. */
const patienceMs = 2_000;

/**
 * Whether a server is alive at `address`. Dead is only what refuses a connection, or is not there.
 *
 * A golang-ipc server stops serving for ever when a client hangs up in the handshake. So the kernel is asked first,
 * which touches nothing, and where only a connection can tell, the handshake is finished before it is closed.
 */
export async function isServerAlive(address: Address, provider: TransportProvider): Promise<boolean> {
  if (await isListedAsListening(address.path)) return true;
  try {
    const transport = await provider.connect(address, AbortSignal.timeout(patienceMs));
    await new Promise<void>((resolve) => {
      const limits = { ...defaultSessionLimits, handshakeTimeoutMs: patienceMs, closeTimeoutMs: patienceMs };
      const options = { ...limits, role: "client", encryption: false, quota: new ReadQuota(1) } as const;
      const nothing = (): void => {};
      const driver = new SessionDriver(transport, options, {
        opened: nothing,
        message: nothing,
        progressed: nothing,
        closed: nothing,
        released: resolve,
      });
      driver.start();
      driver.close();
    });
    return true;
  } catch (error) {
    return !saysNobody(error);
  }
}

/** True for the two ways in which the system says that nobody listens. */
function saysNobody(error: unknown): boolean {
  if (!(error instanceof SealpipeError) || error.code !== "ERR_CONNECT_FAILED") return false;
  return hasCode(error.cause, "ECONNREFUSED") || hasCode(error.cause, "ENOENT");
}
