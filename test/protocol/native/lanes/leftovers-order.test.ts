import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NativeSession } from "#dist/protocol/native/session.js";
import { frameHeaderBytes, maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { frameOverheadBytes } from "#dist/protocol/native/wire/lanes.js";
import { nativeFrame, weightOf } from "../../../support/native-frames.ts";

const limits = { maxMessageBytes: 1_000_000, windows: [1_000_000, 1_000_000, 1_000_000] } as const;

/** Bytes that take three frames, and two. */
const [three, two] = [2.5 * maxBodyBytes, 1.5 * maxBodyBytes];

describe("messages that may have arrived when a session is given up", () => {
  test("are reported in the order in which they were sent, large ones among small ones", () => {
    const session = new NativeSession(limits);
    session.attach(limits, undefined);
    const { messages } = session.outgoing;
    for (const [index, bytes] of [10, three, 20, two, 30].entries()) {
      session.send(index + 1, new Uint8Array(bytes));
    }
    while (messages.nextBytes > 0) messages.take();
    const first = weightOf(nativeFrame("message", [1], new Uint8Array(10)));
    // Of the first large one a part is taken, and what was before it.
    const part = frameHeaderBytes + maxBodyBytes + frameOverheadBytes;
    session.outgoing.acknowledge([first + part, 0, 0]);
    const { unacknowledged, unsent } = session.abandon();
    assert.deepEqual(
      unacknowledged.map(({ type, data }) => [type, data.length]),
      [
        [2, three],
        [3, 20],
        [4, two],
        [5, 30],
      ],
    );
    assert.deepEqual(unsent, []);
  });

  test("are those of which a part was sent, behind all that were sent whole", () => {
    const session = new NativeSession(limits);
    session.attach(limits, undefined);
    const { messages } = session.outgoing;
    session.send(1, new Uint8Array(three));
    session.send(2, new Uint8Array(1));
    session.send(3, new Uint8Array(three));
    session.send(4, new Uint8Array(2));
    for (let taken = 0; taken < 5; taken++) messages.take();
    const { unacknowledged, unsent } = session.abandon();
    assert.deepEqual(
      [unacknowledged, unsent].map((contents) => contents.map(({ type }) => type)),
      [[1, 2, 3], [4]],
    );
  });
});
