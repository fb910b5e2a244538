// The program that a GUI without Node starts: it is connected to the daemon, and passes on what the page says in lines on its
// standard streams. It ends when the GUI does, with its standard input. Argument: the daemon's name.

import { connect } from "sealpipe/contract";
import { bridgePort } from "sealpipe/port";
import { notes } from "../notes/contract.ts";
import { linesPort } from "./lines-port.ts";

const app = await connect(process.argv[2] ?? "sealpipe-notes", notes, { connectTimeoutMs: 5_000 });
const bridge = bridgePort(linesPort(process.stdin, process.stdout), app, notes, {
  allow: ["save", "list", "saved"],
});
bridge.signal.addEventListener("abort", () => app.close());
