// An app that starts its daemon, and starts it again if it ends.

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { spawnSidecar } from "sealpipe/sidecar";

const daemon = fileURLToPath(new URL("daemon.js", import.meta.url));
const sidecar = await spawnSidecar(process.execPath, [daemon], {
  expect: { application: "shouter", version: "1.0.0" },
});
sidecar.on("line", ({ text }) => console.log(text));
const shout = async (text: string) => (await sidecar.client.request(1, text)).text;

console.log(await shout("hello"));

const exited = once(sidecar, "exit");
process.kill(sidecar.pid as number, "SIGKILL");
await exited;
console.log(await shout("again"));

await sidecar.stop("the example is over");
console.log(`the sidecar is ${sidecar.status}`);
