// The daemon of all windows: the first that needs it starts it, and it ends a minute after the last has closed.

import { implement } from "sealpipe/contract";
import { daemon } from "sealpipe/sidecar";
import { application, notes, version } from "./contract.ts";

start();

async function start(): Promise<void> {
  const server = await daemon(application, {
    application,
    applicationVersion: version,
    directory: "runtime",
  });
  const kept: string[] = [];
  const { emit } = implement(server, notes, {
    add(note) {
      kept.push(note);
      emit.added(note);
      return kept.length;
    },
    list: () => [...kept],
  });
}
