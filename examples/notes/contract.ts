// What the daemon and the app say to each other. Both import it.

import { contract, event, method } from "sealpipe/contract";
import { z } from "zod";

const Note = z.object({ title: z.string().min(1), text: z.string(), changed: z.iso.datetime() });
const Title = z.object({ title: z.string() });

export const notes = contract(
  "notes",
  {
    save: method(1, { input: Note.omit({ changed: true }), output: Note }),
    open: method(2, { input: Title, output: Note, errors: { NOT_FOUND: Title } }),
    list: method(3, { output: z.array(z.string()) }),
    saved: event(4, Title.extend({ by: z.number() })),
    editing: event(5, Title, { direction: "from-caller" }),
  },
  { version: "1.0.0" },
);
