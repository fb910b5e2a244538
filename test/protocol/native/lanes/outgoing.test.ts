import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Outgoing } from "#dist/protocol/native/lanes/outgoing.js";
import type { SendLane } from "#dist/protocol/native/lanes/send-lane.js";
import { frameHeaderBytes, maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { frameOverheadBytes } from "#dist/protocol/native/wire/lanes.js";
import { concat, hex, pattern } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { framesOf, nativeFrame, weightOf } from "../../../support/native-frames.ts";

function setUp(): Outgoing {
  const outgoing = new Outgoing();
  for (const lane of outgoing.lanes) lane.window = 100_000_000;
  return outgoing;
}

/** Data with which a frame of so many fields adds 100 to its lane's position. */
const data = (fields: number) => pattern(100 - frameOverheadBytes - frameHeaderBytes - 4 * fields);

function takeAll(lane: SendLane): Uint8Array {
  const runs: Uint8Array[] = [];
  while (lane.nextBytes > 0) runs.push(lane.take());
  return concat(...runs);
}

describe("what is sent", () => {
  const data = hex("0a 0b");
  const examples: Record<string, { lane: 0 | 1 | 2; send: (outgoing: Outgoing) => void; frame: Uint8Array }> =
    {
      "a message": {
        lane: 0,
        send: (outgoing) => outgoing.message(0xffff_fffe, data),
        frame: nativeFrame("message", [0xffff_fffe], data),
      },
      "an empty message": {
        lane: 0,
        send: (outgoing) => outgoing.message(1, hex("")),
        frame: nativeFrame("message", [1]),
      },
      "a request": {
        lane: 1,
        send: (outgoing) => outgoing.request(7, { type: 5, data }),
        frame: nativeFrame("request", [7, 5], data),
      },
      "an answer": {
        lane: 2,
        send: (outgoing) => outgoing.answer(7, data),
        frame: nativeFrame("answer", [7], data),
      },
      "a failure": {
        lane: 2,
        send: (outgoing) => outgoing.failure(7, { code: "NO", message: "hé" }),
        frame: nativeFrame("failure", [7], concat(hex("02"), Buffer.from("NOhé"))),
      },
      "a failure without a message": {
        lane: 2,
        send: (outgoing) => outgoing.failure(7, { code: "NO", message: "" }),
        frame: nativeFrame("failure", [7], concat(hex("02"), Buffer.from("NO"))),
      },
      "a cancel": { lane: 2, send: (outgoing) => outgoing.cancel(7), frame: nativeFrame("cancel", [7]) },
    };
  for (const [what, { lane, send, frame }] of Object.entries(examples)) {
    test(`is ${what}, as the spec has it, in its lane`, () => {
      const outgoing = setUp();
      send(outgoing);
      assert.equal(outgoing.unsentBytes, weightOf(frame));
      assert.deepEqual(takeAll(outgoing.lanes[lane] as SendLane), frame);
      assert.equal(outgoing.unsentBytes, 0);
      assert.equal(outgoing.queuedBytes, weightOf(frame));
      assert.equal(outgoing.allSent, true);
    });
  }

  test("is not changed by what the caller does to the data afterwards", () => {
    const outgoing = setUp();
    for (const size of [10, 20_000, 2 * maxBodyBytes]) {
      const bytes = pattern(size);
      outgoing.message(5, bytes);
      outgoing.request(1, { type: 5, data: bytes });
      outgoing.answer(1, bytes);
      bytes.fill(0xff);
    }
    for (const lane of outgoing.lanes) assert.equal(takeAll(lane).includes(0xfe), true);
    const all = concat(...outgoing.lanes.map(takeAll));
    assert.equal(all.length, 0);
  });

  test("of a failure's message is no more than fits into a frame, and no part of a character", () => {
    for (const letters of ["", "x"].flatMap((first) =>
      ["é", "x", "😀"].map((letter) => first + letter.repeat(maxBodyBytes)),
    )) {
      const outgoing = setUp();
      outgoing.failure(7, { code: "A".repeat(64), message: letters });
      const [frame, ...others] = framesOf(takeAll(outgoing.answers));
      assert.deepEqual(others, []);
      assert.ok(frame !== undefined && frame.body.length <= maxBodyBytes);
      const message = new TextDecoder("utf-8", { fatal: true }).decode(frame.body.subarray(5 + 64));
      assert.ok(letters.startsWith(message));
      assert.ok(frame.body.length > maxBodyBytes - 200);
    }
  });
});

describe("a body that does not fit into a frame", () => {
  const kinds = {
    message: { fields: 1, send: (outgoing: Outgoing, data: Uint8Array) => outgoing.message(5, data) },
    request: {
      fields: 2,
      send: (outgoing: Outgoing, data: Uint8Array) => outgoing.request(7, { type: 5, data }),
    },
    answer: { fields: 1, send: (outgoing: Outgoing, data: Uint8Array) => outgoing.answer(7, data) },
  } as const;
  const start = { message: [5], request: [7, 5], answer: [7] } as const;
  const part = { message: [], request: [7], answer: [7] } as const;

  for (const [index, kind] of (["message", "request", "answer"] as const).entries()) {
    const { fields, send } = kinds[kind];
    const most = maxBodyBytes - 4 * fields;

    test(`is cut, where one that just fits is not (${kind})`, () => {
      const outgoing = setUp();
      send(outgoing, pattern(most));
      const lane = outgoing.lanes[index] as SendLane;
      assert.deepEqual(takeAll(lane), nativeFrame(kind, start[kind], pattern(most)));
      send(outgoing, pattern(most + 1));
      const first = most - 4;
      assert.deepEqual(
        takeAll(lane),
        concat(
          nativeFrame(`${kind}-start`, [...start[kind], most + 1], pattern(most + 1).subarray(0, first)),
          nativeFrame(`${kind}-part`, part[kind], pattern(most + 1).subarray(first)),
        ),
      );
    });

    test(`is cut into frames as large as they may be (${kind})`, () => {
      const outgoing = setUp();
      const data = pattern(10 * maxBodyBytes);
      send(outgoing, data);
      const frames = framesOf(takeAll(outgoing.lanes[index] as SendLane));
      assert.deepEqual(
        frames.slice(0, -1).map(({ body }) => body.length),
        Array(frames.length - 1).fill(maxBodyBytes),
      );
      const heads = frames.map((_, at) => 4 * (at === 0 ? start[kind].length + 1 : part[kind].length));
      const whole = concat(...frames.map(({ body }, at) => body.subarray(heads[at])));
      assert.ok(Buffer.from(whole).equals(data));
    });
  }
});

describe("an acknowledgement", () => {
  /** Two frames in each lane, which leave together. */
  function sent(): Outgoing {
    const outgoing = setUp();
    for (const id of [1, 2]) {
      outgoing.message(5, data(1));
      outgoing.request(id, { type: 5, data: data(2) });
      outgoing.answer(id, data(1));
    }
    for (const lane of outgoing.lanes) takeAll(lane);
    return outgoing;
  }

  test("forgets what the peer has acknowledged in each lane", () => {
    const outgoing = sent();
    assert.equal(outgoing.queuedBytes, 600);
    outgoing.acknowledge([100, 0, 0]);
    assert.equal(outgoing.queuedBytes, 500);
    outgoing.acknowledge([200, 100, 200]);
    assert.equal(outgoing.queuedBytes, 100);
    outgoing.acknowledge([200, 200, 200]);
    outgoing.acknowledge([200, 200, 200]);
    assert.equal(outgoing.queuedBytes, 0);
  });

  for (const [what, positions] of Object.entries({
    "of messages that were not sent": [201, 100, 100],
    "of requests that were not sent": [100, 201, 100],
    "of answers that were not sent": [100, 100, 201],
    "before an earlier one of messages": [0, 100, 100],
    "before an earlier one of requests": [100, 0, 100],
    "before an earlier one of answers": [100, 100, 0],
  } as const)) {
    test(`is refused ${what}`, () => {
      const outgoing = sent();
      outgoing.acknowledge([100, 100, 100]);
      assert.equal(
        thrownCode(() => outgoing.acknowledge(positions)),
        "ERR_FRAME_INVALID",
      );
    });
  }

  for (const [lane, name] of ["messages", "requests", "answers"].entries()) {
    test(`is refused anywhere within a frame (${name})`, () => {
      for (let position = 1; position < 200; position++) {
        if (position === 100) continue;
        const positions = [100, 100, 100].with(lane, position) as [number, number, number];
        assert.equal(
          thrownCode(() => sent().acknowledge(positions)),
          "ERR_FRAME_INVALID",
          `${position}`,
        );
      }
    });
  }

  test("is accepted at the end of any frame, and of any part of a large body, after those before it", () => {
    const outgoing = setUp();
    const ends: number[] = [];
    let position = 0;
    const written = (bytes: number): void => {
      position += bytes + frameHeaderBytes + frameOverheadBytes;
      ends.push(position);
    };
    for (const bytes of [0, 10, 20_000, 1, 300_000, 3]) {
      outgoing.message(5, new Uint8Array(bytes));
      const [first, ...parts] = bytes > maxBodyBytes ? [8, 0, 0] : [4];
      let left = bytes;
      for (const fixed of [first as number, ...parts]) {
        const body = Math.min(left + fixed, maxBodyBytes);
        left -= body - fixed;
        written(body);
      }
    }
    takeAll(outgoing.messages);
    assert.equal(outgoing.messages.sentPosition, position);
    for (const end of ends) {
      outgoing.acknowledge([end, 0, 0]);
      assert.equal(outgoing.queuedBytes, position - end);
    }
  });

  test("of what waits to be sent is refused", () => {
    const outgoing = setUp();
    outgoing.message(5, data(1));
    assert.equal(
      thrownCode(() => outgoing.acknowledge([1, 0, 0])),
      "ERR_FRAME_INVALID",
    );
  });
});

describe("going on behind what the peer has received", () => {
  test("sends the rest again, in each lane", () => {
    const outgoing = setUp();
    for (let id = 1; id <= 3; id++) {
      outgoing.message(id, data(1));
      outgoing.request(id, { type: 5, data: data(2) });
      outgoing.answer(id, data(1));
      for (const lane of outgoing.lanes) takeAll(lane);
    }
    outgoing.rewind([200, 100, 300]);
    assert.equal(outgoing.allSent, false);
    assert.deepEqual(
      outgoing.lanes.map((lane) => framesOf(takeAll(lane)).map(({ body }) => body[3])),
      [[3], [2, 3], []],
    );
  });

  test("is refused from positions that this end cannot serve, and changes nothing then", () => {
    for (const positions of [
      [0, 0, 1],
      [1, 0, 0],
      [101, 0, 0],
    ] as const) {
      const outgoing = setUp();
      outgoing.message(5, data(1));
      takeAll(outgoing.messages);
      for (const act of [() => outgoing.checkRewind(positions), () => outgoing.rewind(positions)]) {
        assert.equal(thrownCode(act), "ERR_FRAME_INVALID");
      }
      assert.equal(outgoing.allSent, true);
    }
  });
});
