import { contract, fromJsonSchema, method, type Schema } from "../../build/bundle/contract/index.js";
import { type Question, schema } from "./data.ts";

/** Takes anything: what is left is what the contract costs without looking at its data. */
const anything: Schema<Question> = {
  "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value: value as Question }) },
};

const text = { type: "string" } as const;
const own = fromJsonSchema<Question>({
  type: "object",
  properties: {
    path: text,
    version: { type: "integer" },
    tags: { type: "array", items: text },
    author: { type: "object", properties: { name: text, mail: text }, required: ["name", "mail"] },
    isOpen: { type: "boolean" },
    ratio: { type: "number" },
    note: text,
  },
  required: ["path", "version", "tags", "author", "isOpen", "ratio", "note"],
});

const schemas = { zod: schema as Schema<Question>, json: own, nothing: anything };
export type Checking = keyof typeof schemas;

export function contractChecking(checking: Checking) {
  const data = schemas[checking];
  return contract("bench", { ask: method(1, { input: data, output: data }) });
}
