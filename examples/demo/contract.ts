import { contract, event, method } from "sealpipe/contract";
import { z } from "zod";

/** What the demo's programs say to each other. `contract.json` and Go's code in `go/demo` are made of it. */
export const demo = contract(
  "sealpipe-demo",
  {
    greet: method(1, { input: z.string().min(1), output: z.string() }),
    news: event(2, z.string()),
    note: event(3, z.string(), { direction: "from-caller" }),
  },
  { version: "1.0.0" },
);
