import assert from "node:assert/strict";
import { test } from "node:test";
import { writeUint32 } from "#dist/protocol/integers.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { hex } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { lent } from "../../../support/memory.ts";
import { nativeFrame, weightOf } from "../../../support/native-frames.ts";
import { streamOffers } from "../../../support/stream-pair.ts";

test("of a peer that opens and resets a million streams nothing is kept, and its count stays right", () => {
  const windows = [65_536, 65_536, 65_536] as const;
  const streams = { side: "server", maxConcurrent: 2, window: 65_536 } as const;
  const session = new NativeSession({ maxMessageBytes: 1_000, windows, features: 1, streams });
  const open = nativeFrame("stream-open", [1, 5]);
  const item = nativeFrame("item", [1], hex("01"));
  const reset = nativeFrame("stream-reset", [1], hex("01 58"));
  const receive = (frame: Uint8Array, id: number) => {
    writeUint32(frame, id, 4);
    return session.incoming.receive(lent(frame), 0, frame.length)?.kind;
  };
  for (let id = 1; id < 2_000_000; id += 2) {
    if (receive(open, id) !== "stream") assert.fail(`${id} was not opened`);
    receive(item, id);
    if (receive(reset, id) !== "stream-reset") assert.fail(`${id} was not reset`);
  }
  assert.equal(session.keptBytes, 0);
  assert.equal(session.queuedBytes, 0);
  assert.equal(session.incoming.consumedBytes, 1_000_000 * weightOf(open, item, reset));
  assert.deepEqual([receive(open, 2_000_001), receive(open, 2_000_003)], ["stream", "stream"]);
  assert.equal(
    thrownCode(() => receive(open, 2_000_005)),
    "ERR_FRAME_INVALID",
  );
});

/** A peer opens so many streams, each of which is refused; how often it acknowledges all. How much waits, or the error. */
function refuse(opens: number, acknowledgesEach: number): number | string {
  const windows = [65_536, 65_536, 65_536] as const;
  const streams = { side: "server", maxConcurrent: 2, window: 65_536 } as const;
  const session = new NativeSession({ maxMessageBytes: 1_000, windows, features: 1, streams });
  session.attach({ maxMessageBytes: 1_000, windows, offers: streamOffers }, undefined);
  const { outgoing } = session;
  const open = nativeFrame("stream-open", [1, 5]);
  try {
    for (let count = 1; count <= opens; count++) {
      writeUint32(open, 2 * count - 1, 4);
      session.incoming.receive(lent(open), 0, open.length);
      session.streams.reset(2 * count - 1, { code: "ERR_NO_HANDLER", message: "" });
      if (count % acknowledgesEach > 0) continue;
      while (outgoing.streams.nextBytes > 0) outgoing.streams.take();
      outgoing.acknowledge([0, 0, 0, outgoing.streams.sentPosition]);
    }
  } catch (error) {
    return `${(error as { code?: string }).code} with ${session.queuedBytes}`;
  }
  return session.queuedBytes;
}

test("a peer that has its streams refused and acknowledges nothing is ERR_WINDOW_EXCEEDED, and another is not", () => {
  const weight = weightOf(nativeFrame("stream-reset", [1], hex("00"))) + "ERR_NO_HANDLER".length;
  const most = Math.ceil(1_048_576 / weight) * weight;
  assert.equal(refuse(100_000, Number.POSITIVE_INFINITY), `ERR_WINDOW_EXCEEDED with ${most}`);
  assert.equal(refuse(100_000, 500), 0);
});
