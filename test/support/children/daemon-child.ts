import { appendFileSync } from "node:fs";
import { createServer } from "node:net";
import { startServer } from "sealpipe";
import { type DaemonOptions, daemon } from "sealpipe/sidecar";

// A daemon that does what it is asked. Arguments: its name; a file to which it appends its process id; options of `daemon`, as JSON; how it
// misbehaves.
const [, , name = "", starts = "", options = "{}", how = ""] = process.argv;
appendFileSync(starts, `${process.pid}\n`);
console.log("a daemon begins");

const given = { application: "test-daemon", ...JSON.parse(options) } as DaemonOptions;
if (how === "never-ready") setInterval(() => {}, 1_000);
else if (how === "exits") {
  console.error("I have no configuration");
  process.exit(3);
} else if (how === "dies-when-found") {
  createServer(() => process.kill(process.pid, "SIGKILL")).listen(`/tmp/${name}.sock`);
} else if (how === "stays" || how === "refuses" || how.startsWith("lies")) {
  // What a peer is told: the process id that follows.
  if (how.startsWith("lies")) Object.defineProperty(process, "pid", { value: Number(how.slice(4)) });
  process.on("SIGTERM", () => {});
  const { application, applicationVersion } = given;
  const server = await startServer(name, { application, applicationVersion });
  server.allowDescribe();
  if (how === "stays") server.allowShutdown(() => {});
} else {
  const server = await daemon(name, {
    onEnd: async (why) => {
      console.log(JSON.stringify(why));
      if (how === "never-drains") await new Promise(() => {});
    },
    ...given,
  });
  server.handle(1, ({ text }) => (text === "exit" ? process.exit(7) : `${process.pid}`));
}
