import { renameSync } from "node:fs";
import { createServer } from "node:net";

/** Leaves a socket at `path` that nobody listens on any more, as a killed server does. */
export async function leaveDeadSocket(path: string): Promise<void> {
  const server = createServer();
  const boundAt = `${path}.b`;
  await new Promise<void>((resolve) => server.listen(boundAt, resolve));
  renameSync(boundAt, path);
  await new Promise((resolve) => server.close(resolve));
}
