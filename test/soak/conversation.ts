import assert from "node:assert/strict";
import type { Client } from "sealpipe";

/** What the types of the soak's messages ask of its server. */
export const types = {
  /** To be sent back. What is sent of these and of `keep` must all arrive. */
  echo: 1,
  keep: 2,
  /** To close the connection. */
  sendAway: 3,
  /** To be sent back, to a client that may be gone by then. */
  careless: 4,
  /** Of a request: to be answered with its data. */
  ask: 5,
} as const;

export const largestBytes = 3_145_728;
export const smallSizes = [0, 1, 40, 1_000, 2_048, 20_000, 32_760, 33_000, 70_000, 150_000] as const;

const block = makeBlock();

/** The same in every process: a linear congruential generator's bytes, so that no two places look alike. */
function makeBlock(): Uint8Array {
  const numbers = new Uint32Array((largestBytes + 65_536) / 4);
  let state = 1;
  for (let index = 0; index < numbers.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    numbers[index] = state;
  }
  return new Uint8Array(numbers.buffer);
}

/** Bytes that the receiver can tell by their seed. */
export function payload(bytes: number, seed: number): Uint8Array {
  const start = (seed * 7_919) % 65_536;
  return block.subarray(start, start + bytes);
}

/** Asks with requests of those sizes, all at a time, and checks each answer. */
export async function askAll(client: Client, sizes: readonly number[], seed: number): Promise<void> {
  const asking = sizes.map(async (bytes, index) => {
    const data = payload(bytes, seed + index);
    const answer = await client.request(types.ask, data, { timeoutMs: 60_000 });
    assert.ok(Buffer.from(data).equals(answer.data), `request ${index} was answered with something else`);
  });
  await Promise.all(asking);
}

/** Sends messages of those sizes, a few ahead of the answers, and checks each answer. Returns how many. */
export async function exchange(client: Client, sizes: readonly number[], seed: number): Promise<number> {
  const writing = (async () => {
    for (const [index, bytes] of sizes.entries())
      await client.write(types.echo, payload(bytes, seed + index));
  })();
  for (const [index, bytes] of sizes.entries()) {
    const { type, data } = await client.read({ timeoutMs: 60_000 });
    assert.equal(type, types.echo);
    assert.ok(Buffer.from(payload(bytes, seed + index)).equals(data), `message ${index} came back changed`);
  }
  await writing;
  return sizes.length;
}
