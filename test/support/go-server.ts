import { rmSync } from "node:fs";
import type { TestContext } from "node:test";
import { GoPeer, type GoPeerOptions } from "./go-peer.ts";
import { freshName } from "./names.ts";

/** A server on the real golang-ipc that listens already, until the test is over. */
export async function startGoServer(
  t: TestContext,
  options: Partial<GoPeerOptions> = {},
): Promise<{ readonly name: string; readonly go: GoPeer }> {
  const name = freshName();
  const go = new GoPeer({ version: "v1.2.4", role: "server", name, encryption: true, ...options });
  t.after(async () => {
    await go.stop();
    // It may have been killed before it had removed its socket.
    rmSync(`/tmp/${name}.sock`, { force: true });
  });
  await go.untilStatus("listening");
  return { name, go };
}
