// In place of a GUI: starts the daemon and the bridge, and says what a page would.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openPort } from "sealpipe/port";
import type { notes } from "../notes/contract.ts";
import { linesPort } from "./lines-port.ts";

const name = process.argv[2] ?? `sealpipe-gui-${process.pid}`;

function start(program: string, ...stdio: ("pipe" | "ignore")[]) {
  return spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), name], {
    stdio: [...stdio, "inherit"],
  });
}

const daemon = start("../notes/daemon.js", "ignore", "ignore");
const bridge = start("./bridge.js", "pipe", "pipe");
const bridgeEnded = once(bridge, "exit");
if (bridge.stdin === null || bridge.stdout === null) throw new Error("there are no pipes");

const page = await openPort<typeof notes>(linesPort(bridge.stdout, bridge.stdin));
const saved = new Promise<string>((resolve) => page.on.saved(({ title }) => resolve(title)));
await page.save({ title: "shopping", text: "milk" });
console.log(`saved: ${await saved}`);
console.log(`there are: ${(await page.list()).join(", ")}`);
console.log(`may open notes: ${page.has("open")}`);
page.close();
console.log(`the bridge ends: ${(await bridgeEnded)[0]}`);
const ended = once(daemon, "exit");
daemon.kill();
await ended;
