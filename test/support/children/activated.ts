import { startServer } from "sealpipe";
import { daemon } from "sealpipe/sidecar";

// Serves one name after another on what was handed over, says so, and ends when its input does, or by itself as a daemon. Arguments: the
// options, as JSON, and the names.
const [, , options = "{}", ...names] = process.argv;
const { idleTimeoutMs, ...given } = JSON.parse(options);
const say = (line: object) => console.log(JSON.stringify({ pid: process.pid, ...line }));
for (const name of names) {
  try {
    const start = idleTimeoutMs === undefined ? startServer : daemon;
    const server = await start(name, { ...given, ...(idleTimeoutMs !== undefined && { idleTimeoutMs }) });
    server.handle(1, () => `${process.pid}`);
    if (idleTimeoutMs === undefined)
      server.allowShutdown(async () => {
        await server.close();
        say({ event: "closed" });
      });
    say({ event: "listening", name });
  } catch (error) {
    say({ event: "failed", code: (error as { code?: string }).code, message: (error as Error).message });
  }
}
process.stdin.on("end", () => process.exit()).resume();
