import assert from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";

/** An `ArrayBuffer`, as engines have it that know ES2024. */
export interface Transferable extends ArrayBuffer {
  transfer?(): ArrayBuffer;
  transferToFixedLength?(): ArrayBuffer;
  resize?(bytes: number): void;
}

const bufferOf = (data: Uint8Array): Transferable => data.buffer as Transferable;

/** What an application may do to the data that it was given, or may try to. */
const harms: Record<string, (data: Uint8Array) => void> = {
  "is posted with its buffer": (data) => {
    const { port1 } = new MessageChannel();
    try {
      port1.postMessage(data, [bufferOf(data)]);
    } finally {
      port1.close();
    }
  },
  "is cloned with its buffer": (data) => {
    structuredClone(data, { transfer: [bufferOf(data)] });
  },
  "is cloned": (data) => {
    structuredClone(data);
  },
  "is asked for its memory": (data) => {
    bufferOf(data).transfer?.();
  },
  "is asked for its memory in another way": (data) => {
    bufferOf(data).transferToFixedLength?.();
  },
  "is resized": (data) => {
    assert.throws(() => bufferOf(data).resize?.(0) ?? assert.fail(), {
      name: /^(TypeError|AssertionError)$/,
    });
  },
  "is overwritten": (data) => {
    data.fill(0xee);
  },
};

/** Each of them, with what it does to data. Where a shared buffer is not to be taken, that is the caller's to know. */
export const attempts = Object.entries(harms).map(([what, harm]) => ({
  what,
  attempt(data: Uint8Array): void {
    const { length } = data;
    try {
      harm(data);
    } catch (error) {
      assert.match((error as Error).name, /^(DataCloneError|TypeError)$/);
      assert.ok(length <= 2_048, "only what shares its buffer stays");
    }
  },
}));
