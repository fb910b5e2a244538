import { bytes, contract, event, method, stream } from "sealpipe/contract";
import { z } from "zod";

const Circle = z.object({ kind: z.literal("circle"), radius: z.number().positive() });
const Square = z.object({ kind: z.literal("square"), side: z.int(), label: z.string().optional() });

/** Told apart by `kind`. */
const Shape = z.discriminatedUnion("kind", [Circle, Square]).meta({ title: "Shape" });

const Author = z.object({ name: z.string().min(1), mail: z.string().nullable().optional() });

const Doc = z
  .object({
    path: z.string().meta({ description: "Where it lies.\nRelative to the project." }),
    version: z.literal(2),
    author: Author,
    mode: z.enum(["read-only", "read-write", "1st"]),
    size: z.int().min(0),
    ratio: z.number(),
    isOpen: z.boolean(),
    tags: z.array(z.string()).max(8),
    counts: z.record(z.string(), z.int()),
    shapes: z.array(Shape),
    favourite: Shape.optional(),
    note: z.string().nullable(),
    comment: z.string().optional(),
    lines: z.array(z.array(z.int())).optional(),
    get previous() {
      return Doc.optional();
    },
    "content-type": z.string().optional(),
    class: z.string().optional(),
    anything: z.unknown(),
  })
  .meta({ title: "Doc", description: "A document, with everything that a contract can say." });

/** A contract that has everything: what the programs in all languages of the tests are made of. */
export const everything = contract(
  "everything",
  {
    echo: method(1, {
      input: Doc,
      output: Doc,
      errors: { NOT_FOUND: z.object({ path: z.string(), tries: z.int() }), BUSY: null },
    }),
    rotate: method(2, { input: Shape, output: Shape.nullable() }),
    invert: method(3, { input: bytes, output: bytes }),
    count: method(4, { input: z.array(z.string()).optional(), output: z.int() }),
    reset: method(5),
    wrong: method(6, { input: z.string(), output: z.int().max(9) }),
    told: event(7, z.object({ done: z.int(), total: z.int(), note: z.string().optional() })),
    asked: event(8, z.string(), { direction: "from-caller" }),
    said: event(9, z.array(z.int()), { direction: "both" }),
    tick: event(10, undefined, { direction: "both" }),
    list: stream(11, { input: z.object({ upTo: z.int() }), output: z.int(), errors: { NOT_FOUND: null } }),
    save: stream(12, { input: z.object({ path: z.string() }), items: z.string() }),
    chat: stream(13, { output: Shape, items: Shape }),
  },
  { version: "1.2.3" },
);
