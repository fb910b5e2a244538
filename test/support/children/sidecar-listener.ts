import { spawnSidecar } from "sealpipe/sidecar";

// A parent whose listener throws when its sidecar ends, and which goes on. Arguments: the command and its arguments.
const say = (line: object) => console.log(JSON.stringify(line));
process.on("uncaughtException", ({ message }) => say({ event: "thrown", message }));
const [, , command, ...args] = process.argv;
const sidecar = await spawnSidecar(command as string, args, { readyTimeoutMs: 60_000, restartDelayMs: 5 });
sidecar.once("exit", () => {
  throw new Error("a listener's");
});
sidecar.on("status", async (status) => {
  if (status === "ready") await sidecar.stop();
  if (status === "stopped") say({ event: "stopped" });
});
process.kill(sidecar.pid as number, "SIGKILL");
