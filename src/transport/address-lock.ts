import { rmdir, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Address } from "./address.ts";
import { ignoreMissing, makeUnlessThere } from "./file-system.ts";
import { addressInUse } from "./net-transport.ts";

/** Holding it takes milliseconds, or 2 s where a server has to be asked whether it is alive. */
const abandonedAfterMs = 5_000;
const patienceMs = 10_000;
const highestPauseMs = 20;

/**
 * Does `act` while no other process that starts a server at this address does the like. Two that both find a dead
 * socket there would otherwise each remove what it takes for that, and the slower one would remove the faster one's.
 *
 * The lock is a directory beside the socket, because making one either succeeds or finds it there. A process that is
 * killed while it holds the lock leaves it behind; it counts as abandoned after a while.
 *
 * @throws SystemError `ERR_ADDRESS_IN_USE` where others hold it all the time.
 */
export async function withAddressLock<T>(address: Address, act: () => Promise<T>): Promise<T> {
  const path = `${address.path}.lock`;
  await takeLock(address, path);
  try {
    return await act();
  } finally {
    await ignoreMissing(rmdir(path));
  }
}

async function takeLock(address: Address, path: string): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!(await makeUnlessThere(path))) {
    if (Date.now() > giveUpAt) throw addressInUse(address, "other servers are being started there");
    const lock = await ignoreMissing(stat(path));
    if (lock !== undefined && Date.now() - lock.mtimeMs > abandonedAfterMs) await ignoreMissing(rmdir(path));
    else await delay(Math.random() * highestPauseMs);
  }
}
