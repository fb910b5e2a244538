import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { sidecar } from "sealpipe/sidecar";

// A sidecar that does what it is asked. Arguments: a file for its process id, and how it misbehaves. Why it has to end is in a
// file beside it.
const [, , pidFile, how = ""] = process.argv;
writeFileSync(pidFile as string, `${process.pid}`);

if (how === "never-ready") setInterval(() => {}, 1_000);
else if (how === "exits") {
  console.error("I have no configuration");
  process.exit(3);
} else {
  for (const name of ["directory", "secret", "encryption"]) {
    const refused = sidecar({ [name]: "a" } as object).catch(({ code }) => code);
    if ((await refused) !== "ERR_INVALID_OPTION") throw new Error(`${name} is the parent's to decide`);
  }
  const server = await sidecar({
    application: "test-sidecar",
    applicationVersion: "1.0.0",
    // One that ends in order has all the time that a busy machine takes; another one is killed after this.
    drainTimeoutMs: how === "" ? 10_000 : 400,
    onEnd: async (why) => {
      writeFileSync(`${pidFile}.end`, JSON.stringify(why));
      console.log(JSON.stringify(why));
      if (how === "never-drains") await new Promise(() => {});
    },
  });
  const print = (bytes: number) => {
    const line = `${"x".repeat(99)}\n`.repeat(1_000);
    let left = bytes / line.length;
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!process.stdout.write(line)) return process.stdout.once("drain", more);
      }
      return undefined;
    };
    more();
    return "";
  };
  const asked: Record<string, () => unknown> = {
    words: () => JSON.stringify([process.argv, process.execArgv, process.env]),
    pid: () => `${process.pid}`,
    exit: () => process.exit(7),
    hang: () => new Promise(() => {}),
    block: () => {
      setImmediate(() => {
        for (;;);
      });
      return "blocked";
    },
    grandchild: () => {
      const [command, ...args] =
        process.platform === "win32"
          ? [process.execPath, "-e", "setInterval(() => {}, 1_000)"]
          : ["sleep", "1000"];
      const { pid } = spawn(command as string, args, { stdio: "ignore" });
      return `${pid}`;
    },
    talk: () => print(100_000_000),
    "talk less": () => print(10_000_000),
  };
  server.handle(1, async ({ text }) => (await asked[text]?.()) as string);
}
