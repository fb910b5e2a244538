import { type Aead, aeadNonceBytes, aeadTagBytes, type BatchAead } from "../protocol/crypto-provider.ts";

/** No byte, one, a block and its neighbours, several blocks, and the max. */
const lengths = [0, 1, 15, 16, 17, 100, 1_152];
const lengthOfHeader = 4;

type MakeBatch = (key: Uint8Array, nonces: "carried" | "known") => BatchAead;

/**
 * Whether batches give the same result as the platform's cipher with the same key, nonces and data, in both
 * directions, and refuse a changed message. Each process tests it: a JavaScript engine may compile the module
 * wrongly, or the machine may have a byte order on which the code was never run.
 */
export function agreesWithPlatform(makeBatch: MakeBatch, makeAead: (key: Uint8Array) => Aead): boolean {
  const key = bytesFrom(1, 32);
  const aead = makeAead(key);
  const batches = { carried: makeBatch(key, "carried"), known: makeBatch(key, "known") };
  try {
    return lengths.every((length) =>
      (["carried", "known"] as const).every((nonces) => agrees(aead, batches[nonces], { length, nonces })),
    );
  } catch {
    return false;
  } finally {
    aead.wipe();
    batches.carried.wipe();
    batches.known.wipe();
  }
}

function agrees(
  aead: Aead,
  batch: BatchAead,
  { length, nonces }: { readonly length: number; readonly nonces: "carried" | "known" },
): boolean {
  const nonce = bytesFrom(length, aeadNonceBytes);
  const plaintext = bytesFrom(7, length);
  const header = nonces === "known" ? bytesFrom(3, lengthOfHeader) : new Uint8Array(0);
  const carried = nonces === "known" ? new Uint8Array(0) : nonce;
  const expected = joined([carried, ...aead.seal(nonce, [plaintext], header)]);
  const sealed = joined([header, new Uint8Array(expected.length)]);
  const changed = Uint8Array.from(expected);
  changed[changed.length - aeadTagBytes] = (changed[changed.length - aeadTagBytes] as number) ^ 1;

  batch.prepare(joined([nonce, nonce, nonce]), length);
  batch.sealNext([plaintext], sealed, header.length);
  const opened = batch.openNext(expected, header);
  return (
    Buffer.compare(sealed, joined([header, expected])) === 0 &&
    opened !== undefined &&
    Buffer.compare(opened, plaintext) === 0 &&
    batch.openNext(changed, header) === undefined
  );
}

function bytesFrom(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => 31 * index + 17 * seed);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
