import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openPort } from "sealpipe/port";
import type { notes } from "../notes-contract.ts";

// A page, as a thread of its own: calls, and has a call and a stream under way when it ends.
const page = await openPort<typeof notes>(workerData as MessagePort);
void page.hang().catch(() => {});
const numbers = page.count(1_000_000);
await numbers.read();
parentPort?.postMessage(await page.add("hello"));
