import { z } from "zod";

/** As JSON it has 200 bytes. */
export const question = {
  path: "src/editor/toolbar/buttons.ts",
  version: 17005,
  tags: ["draft", "shared", "typescript"],
  author: { name: "Ada Lovelace", mail: "ada@example.com" },
  isOpen: true,
  ratio: 0.75,
  note: "first of 5",
};

export type Question = typeof question;

export const schema = z.object({
  path: z.string(),
  version: z.int(),
  tags: z.array(z.string()),
  author: z.object({ name: z.string(), mail: z.string() }),
  isOpen: z.boolean(),
  ratio: z.number(),
  note: z.string(),
});
