import { connectOrSpawn, serveOrConnect } from "sealpipe/sidecar";

// A program that uses a daemon, or is to run once. Arguments: what it calls; its name; options, as JSON; the command and its
// arguments.
const [, , call, name = "", options = "{}", command = "", ...args] = process.argv;
const say = (line: object) => console.log(JSON.stringify(line));
try {
  if (call === "serveOrConnect") {
    const { server, client } = await serveOrConnect(name, JSON.parse(options));
    server?.allowShutdown(() => server.close());
    server?.handle(1, () => `${process.pid}`);
    const pid = client === undefined ? process.pid : Number((await client.request(1, "")).text);
    say({ event: "ready", role: server === undefined ? "client" : "server", pid });
  } else {
    const client = await connectOrSpawn(name, command, args, JSON.parse(options));
    say({ event: "ready", pid: Number((await client.request(1, "pid")).text) });
  }
} catch (error) {
  say({ event: "failed", code: (error as { code?: string }).code, message: (error as Error).message });
}
setInterval(() => {}, 1_000);
