import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { keepWhole } from "#dist/endpoint/messages/shared-buffer.js";

/** An `ArrayBuffer`, as engines have it that know ES2024. */
interface Transferable extends ArrayBuffer {
  transfer?(): ArrayBuffer;
  transferToFixedLength?(): ArrayBuffer;
}

test("a buffer that several messages share is transferred by nothing, and any other can be", () => {
  const { port1 } = new MessageChannel();
  const takers: readonly ((buffer: Transferable) => void)[] = [
    (buffer) => buffer.transfer?.(),
    (buffer) => buffer.transferToFixedLength?.(),
    (buffer) => structuredClone(buffer, { transfer: [buffer] }),
    (buffer) => port1.postMessage(buffer, [buffer]),
  ];
  for (const take of takers) {
    const [shared, alone] = [new ArrayBuffer(8_192), new ArrayBuffer(8_192)];
    keepWhole(shared);
    try {
      take(shared);
    } catch (error) {
      assert.match((error as Error).name, /^(DataCloneError|TypeError)$/);
    }
    assert.equal(shared.byteLength, 8_192);
    take(alone);
  }
  port1.close();
});
