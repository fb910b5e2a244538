import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NativeSession } from "#dist/protocol/native/session.js";
import { concat, hex, pattern } from "../../../support/bytes.ts";
import { streamText, thrownCode } from "../../../support/engine-probe.ts";
import { lent } from "../../../support/memory.ts";
import { type FrameKind, nativeFrame, weightOf } from "../../../support/native-frames.ts";
import { streamOffers } from "../../../support/stream-pair.ts";

const windows = [65_536, 65_536, 65_536] as const;
const limits = { maxMessageBytes: 200_000, windows };

/** A server whose peer, a client, may have two streams open. */
function setUp() {
  const streams = { side: "server", maxConcurrent: 2, window: 65_536 } as const;
  const session = new NativeSession({ ...limits, features: 1, streams });
  session.attach({ ...limits, offers: streamOffers }, undefined);
  const receive = (kind: FrameKind | number, fields: readonly number[], data = hex("")) => {
    const frame = nativeFrame(kind, fields, data);
    const event = session.incoming.receive(lent(frame), 0, frame.length);
    assert.ok(event === undefined || event.kind !== "message");
    return event && streamText(event as Parameters<typeof streamText>[0]);
  };
  return { session, receive };
}

describe("items and messages in one record", () => {
  test("have their own data each, in whatever order they stand", () => {
    const { session, receive } = setUp();
    receive("stream-open", [1, 5]);
    // Some of one kind alone, so that the memory of neither begins where that of the other does.
    for (let index = 0; index < 20; index++) receive("item", [1], pattern(100));
    const data = Array.from({ length: 60 }, (_, index) => pattern(20 + index, index));
    const frames = data.map((bytes, index) =>
      index % 2 === 0 ? nativeFrame("message", [5], bytes) : nativeFrame("item", [1], bytes),
    );
    const record = lent(concat(...frames));
    let start = 0;
    for (const [index, { length }] of frames.entries()) {
      const event = session.incoming.receive(record, start, start + length);
      start += length;
      assert.ok(event !== undefined && "data" in event);
      assert.deepEqual(event.data, data[index], `frame ${index}`);
    }
  });
});

const code = (text: string) => concat(Uint8Array.of(text.length), new TextEncoder().encode(text));

describe("a peer's frame of a stream is ERR_FRAME_INVALID", () => {
  const faults: Record<string, (receive: ReturnType<typeof setUp>["receive"]) => void> = {
    "if it opens one with an id of ours": (receive) => receive("stream-open", [2, 5]),
    "if it opens one with the id 0": (receive) => receive("stream-open", [0, 5]),
    "if it opens one with the id of the last": (receive) => {
      receive("stream-open", [3, 5]);
      receive("stream-reset", [3], code("X"));
      receive("stream-open", [3, 5]);
    },
    "if it opens one with an id before the last": (receive) => {
      receive("stream-open", [3, 5]);
      receive("stream-open", [1, 5]);
    },
    "if it opens one more than it may": (receive) => {
      for (const id of [1, 3, 5]) receive("stream-open", [id, 5]);
    },
    "if it opens one of type 0": (receive) => receive("stream-open", [1, 0]),
    "if it opens a large one of type 0": (receive) =>
      receive("stream-open-start", [1, 0, 100_000], pattern(20_000)),
    "if it is an item after the end": (receive) => {
      receive("stream-open", [1, 5]);
      receive("stream-end", [1]);
      receive("item", [1]);
    },
    "if it is a second end": (receive) => {
      receive("stream-open", [1, 5]);
      receive("stream-end", [1]);
      receive("stream-end", [1]);
    },
    "if it is an item of the stream 0": (receive) => receive("item", [0]),
    "if it is of a kind that there is not": (receive) => receive(0x49, [1, 5, 5]),
    "if it is a part without a start": (receive) => receive("stream-part", [], pattern(20_000)),
    "if it comes within a large item": (receive) => {
      receive("stream-open", [1, 5]);
      receive("item-start", [1, 100_000], pattern(20_000));
      receive("stream-credit", [1, 0, 0]);
    },
    "if it is a reset without a code": (receive) => {
      receive("stream-open", [1, 5]);
      receive("stream-reset", [1], code(""));
    },
    "if it gives credit for what was not sent": (receive) => {
      receive("stream-open", [1, 5]);
      receive("stream-credit", [1, 0, 1]);
    },
  };
  for (const [when, fault] of Object.entries(faults)) {
    test(when, () => {
      const { receive } = setUp();
      assert.equal(
        thrownCode(() => fault(receive)),
        "ERR_FRAME_INVALID",
      );
    });
  }

  for (const kind of ["item", "stream-end", "stream-reset", "stop-sending", "stream-credit"] as const) {
    test(`if it is of a stream that was never open: ${kind}`, () => {
      for (const id of [1, 2, 0x7fff_ffff]) {
        const fields = kind === "stream-credit" ? [id, 0, 0] : [id];
        const { receive } = setUp();
        assert.equal(
          thrownCode(() => receive(kind, fields, kind === "stream-reset" ? code("X") : undefined)),
          "ERR_FRAME_INVALID",
        );
      }
    });
  }

  test("if it is shorter than its kind needs", () => {
    for (let kind = 0x40; kind <= 0x48; kind++) {
      if (kind === 0x44) continue;
      const { receive } = setUp();
      assert.equal(
        thrownCode(() => receive(kind, [], hex("00 00 00"))),
        "ERR_FRAME_INVALID",
        `${kind}`,
      );
    }
  });

  test("if streams were not agreed on", () => {
    const session = new NativeSession(limits);
    const frame = nativeFrame("stream-open", [1, 5]);
    assert.equal(
      thrownCode(() => session.incoming.receive(lent(frame), 0, frame.length)),
      "ERR_FRAME_INVALID",
    );
  });

  test("if it gives credit that goes back", () => {
    const { session, receive } = setUp();
    const id = session.streams.open(5, hex(""));
    session.streams.write(id, pattern(10));
    receive("stream-credit", [id, 0, 10]);
    assert.equal(
      thrownCode(() => receive("stream-credit", [id, 0, 9])),
      "ERR_FRAME_INVALID",
    );
  });
});

describe("what a peer does in a stream", () => {
  test("is ERR_WINDOW_EXCEEDED if it begins an item without credit, to the byte", () => {
    const frame = nativeFrame("item", [1], pattern(1_000));
    const { receive } = setUp();
    receive("stream-open", [1, 5]);
    for (let position = 0; position < 65_536; position += weightOf(frame))
      receive("item", [1], pattern(1_000));
    assert.equal(
      thrownCode(() => receive("item", [1])),
      "ERR_WINDOW_EXCEEDED",
    );
    assert.equal(
      thrownCode(() => receive("item-start", [1, 100_000], pattern(20_000))),
      "ERR_WINDOW_EXCEEDED",
    );
  });

  test("is ERR_PEER_MESSAGE_TOO_LARGE if it is larger than this end takes, in one frame or announced", () => {
    const small = { ...limits, maxMessageBytes: 1_000 };
    const streams = { side: "server", maxConcurrent: 2, window: 65_536 } as const;
    for (const [kind, fields] of [
      ["stream-open", [1, 5]],
      ["stream-open-start", [1, 5, 1_001]],
    ] as const) {
      const session = new NativeSession({ ...small, features: 1, streams });
      const frame = nativeFrame(kind, fields, pattern(1_001));
      assert.equal(
        thrownCode(() => session.incoming.receive(lent(frame), 0, frame.length)),
        "ERR_PEER_MESSAGE_TOO_LARGE",
      );
    }
  });

  test("is ignored if the stream is over, large items too", () => {
    const { session, receive } = setUp();
    receive("stream-open", [1, 5]);
    session.streams.reset(1, { code: "X", message: "" });
    assert.equal(receive("item", [1], pattern(10)), undefined);
    assert.equal(receive("item-start", [1, 50_000], pattern(20_000)), undefined);
    assert.equal(receive("stream-part", [], pattern(30_000)), undefined);
    assert.equal(receive("stop-sending", [1]), undefined);
    assert.equal(receive("stream-credit", [1, 0, 77]), undefined);
    assert.equal(receive("stream-end", [1]), undefined);
    assert.equal(receive("stream-reset", [1], code("X")), undefined);
    assert.equal(session.keptBytes, 0);
  });

  test("is dropped if the stream is reset while its opening is under way", () => {
    const { session, receive } = setUp();
    receive("stream-open-start", [1, 5, 50_000], pattern(20_000));
    assert.ok(session.keptBytes >= 20_000);
    assert.deepEqual([...session.incoming.unfinishedBodies()].length, 1);
    session.streams.reset(1, { code: "X", message: "" });
    assert.equal(receive("stream-part", [], pattern(30_000)), undefined);
    receive("stream-open", [3, 5]);
    assert.equal(receive("stream-open", [5, 5]), "stream 5 of 5: ", "the first counts no more");
  });

  test("is acknowledged on arrival, in a position of its own", () => {
    const { session, receive } = setUp();
    receive("stream-open", [1, 5]);
    assert.equal(session.incoming.hasNews, true);
    assert.equal(session.incoming.allConsumed, true);
    assert.deepEqual(session.incoming.acknowledge(), [0, 0, 0, weightOf(nativeFrame("stream-open", [1, 5]))]);
  });

  test("may stop us twice, or after our end", () => {
    const { session, receive } = setUp();
    receive("stream-open", [1, 5]);
    assert.equal(receive("stop-sending", [1]), "stop-sending 1");
    assert.equal(receive("stop-sending", [1]), undefined);
    receive("stream-open", [3, 5]);
    session.streams.end(3);
    assert.equal(receive("stop-sending", [3]), undefined);
  });
});
