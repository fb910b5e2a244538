import { isUint8Array } from "node:util/types";
import type { Schema } from "./schema.ts";

/**
 * A schema for data that are bytes and nothing else: they go over the wire as they are, whatever the codec. As a member's
 * input, output or data, not inside of another schema; there a codec that has bytes, such as MessagePack, is needed.
 */
export const bytes: Schema<Uint8Array> = Object.freeze({
  "~standard": Object.freeze({
    version: 1 as const,
    vendor: "sealpipe",
    validate: (value: unknown) =>
      isUint8Array(value) ? { value } : { issues: [{ message: "expected a Uint8Array" }] },
    jsonSchema: Object.freeze({
      input: () => ({ contentMediaType: "application/octet-stream" }),
      output: () => ({ contentMediaType: "application/octet-stream" }),
    }),
  }),
});
