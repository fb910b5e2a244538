// What the extension and its daemon say to each other. Both bundles have it.

import { contract, event, method } from "sealpipe/contract";
import { z } from "zod";

/** The extension's and the daemon's, which are published together. */
export const version = "1.0.0";
export const application = "notes-example";

export const notes = contract("notes-example", {
  add: method(1, { input: z.string().min(1), output: z.number() }),
  list: method(2, { output: z.array(z.string()) }),
  added: event(3, z.string()),
});
