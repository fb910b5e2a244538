import assert from "node:assert/strict";
import { nodeCrypto } from "#dist/crypto/node.js";
import type { BatchAead } from "#dist/protocol/crypto-provider.js";

/** A batch of the library's own, which the runtime has to be able to make. */
export function createBatch(key: Uint8Array, nonces: "carried" | "known"): BatchAead {
  const batch = nodeCrypto.createAead(key).createBatch(nonces);
  assert.ok(batch !== undefined, "this runtime has no batches");
  return batch;
}
