// The daemon: keeps notes for any number of apps. Argument: the name to listen at.

import { serve } from "sealpipe/contract";
import { notes } from "./contract.ts";

interface Note {
  readonly title: string;
  readonly text: string;
  readonly changed: string;
}

const kept = new Map<string, Note>();

const server = await serve(process.argv[2] ?? "sealpipe-notes", notes, {
  save({ title, text }, { connection }) {
    const note = { title, text, changed: new Date().toISOString() };
    kept.set(title, note);
    server.emit.saved({ title, by: connection.endpoint.id });
    return note;
  },
  open({ title }, { fail }) {
    return kept.get(title) ?? fail("NOT_FOUND", { title }, `there is no note "${title}"`);
  },
  list: () => [...kept.keys()].sort(),
});
server.on.editing(({ title }, { connection }) => {
  console.log(`app ${connection.endpoint.id} edits "${title}"`);
});
server.endpoint.on("error", (error) => console.error(error.message));
process.once("SIGTERM", () => server.close());
console.log("the daemon listens");
