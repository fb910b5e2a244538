import { spawnSidecar } from "sealpipe/sidecar";

// A parent of a sidecar, which says what it knows of it. Arguments: the options, what to ask, the command and its arguments.
const [, , options, question, command, ...args] = process.argv;
const sidecar = await spawnSidecar(command as string, args, JSON.parse(options as string));
const ask = async (text: string) => (await sidecar.client.request(1, text)).text;
const pid = Number(await ask("pid"));
const answer = question === "hang" ? void ask("hang") : await ask(question as string);
console.log(
  JSON.stringify({ event: "ready", pids: [sidecar.pid, pid], answer, address: sidecar.client.address }),
);
setInterval(() => {}, 1_000);
