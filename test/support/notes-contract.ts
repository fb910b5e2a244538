import { contract, event, method, stream } from "sealpipe/contract";
import { z } from "zod";

/** A contract that has one of everything, for the tests of ports. */
export const notes = contract("notes", {
  add: method(1, { input: z.string(), output: z.number(), errors: { FULL: z.number(), BUSY: null } }),
  hang: method(2),
  count: stream(3, { input: z.number(), output: z.number() }),
  shout: stream(4, { output: z.string(), items: z.string() }),
  changed: event(5, z.string()),
  touched: event(6, z.string(), { direction: "from-caller" }),
  secret: method(7, { output: z.string() }),
  picture: method(8, { output: z.object({ at: z.string() }) }),
});
