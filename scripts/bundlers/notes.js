// The daemon's contract, of which a page needs only the type.
import { contract, event, method, stream } from "sealpipe/contract";
import { z } from "zod";

export const notes = contract("notes", {
  add: method(1, { input: z.string(), output: z.number() }),
  hang: method(2, { input: z.string() }),
  count: stream(3, { input: z.number(), output: z.number() }),
  changed: event(4, z.string()),
  secret: method(5, { output: z.string() }),
});
