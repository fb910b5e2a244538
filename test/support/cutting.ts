/** How bytes are cut into chunks on their way. */
export type Cutting = (bytes: Uint8Array) => Uint8Array[];

export const whole: Cutting = (bytes) => (bytes.length === 0 ? [] : [bytes]);

export const byteAtATime: Cutting = (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte));

/** Chunks of these sizes, over and over. */
export function cutInto(sizes: readonly number[]): Cutting {
  return (bytes) => {
    const chunks: Uint8Array[] = [];
    for (let start = 0; start < bytes.length; ) {
      const size = sizes[chunks.length % sizes.length] as number;
      chunks.push(bytes.subarray(start, start + size));
      start += size;
    }
    return chunks;
  };
}
