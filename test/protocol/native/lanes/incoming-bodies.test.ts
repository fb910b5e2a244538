import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IncomingBodies } from "#dist/protocol/native/lanes/incoming-bodies.js";
import { frameHeaderBytes } from "#dist/protocol/native/wire/frame.js";
import { concat, hex, pattern } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { lengthOnceGiven, lent, owned } from "../../../support/memory.ts";

const least = 16_384;

function setUp(maxMessageBytes = 100_000) {
  const bodies = new IncomingBodies({ maxMessageBytes, maxUnderWay: 4 });
  const start = (id: number, totalBytes: number, data: Uint8Array): void =>
    bodies.start({ id, type: 5, totalBytes }, lent(data), 0);
  const part = (id: number, data: Uint8Array) => bodies.part(id, lent(data), 0);
  return { bodies, start, part };
}

const bytesOf = (index: number) => pattern(least, index);

describe("a large body", () => {
  test("is whole with its last part, and not before", () => {
    const { bodies, start, part } = setUp();
    start(1, 2 * least + 3, bytesOf(0));
    assert.equal(part(1, bytesOf(1)), undefined);
    const whole = part(1, hex("01 02 03"));
    assert.deepEqual(whole, {
      id: 1,
      type: 5,
      totalBytes: 2 * least + 3,
      context: undefined,
      data: concat(bytesOf(0), bytesOf(1), hex("01 02 03")),
    });
    assert.equal(bodies.underWay, 0);
  });

  test("may be under way with others, distinguished by their ids", () => {
    const { bodies, start, part } = setUp();
    for (const id of [1, 2, 3, 4]) start(id, least + 1, bytesOf(id));
    assert.equal(bodies.underWay, 4);
    for (const id of [3, 1, 4, 2]) {
      assert.deepEqual(part(id, hex("ff"))?.data, concat(bytesOf(id), hex("ff")));
    }
  });

  test("may be as large as a message, and no larger, by what its start says", () => {
    const { start } = setUp(100_000);
    start(1, 100_000, bytesOf(0));
    assert.equal(
      thrownCode(() => start(2, 100_001, bytesOf(0))),
      "ERR_PEER_MESSAGE_TOO_LARGE",
    );
  });

  test("has nothing allocated for what has not arrived", () => {
    const { start } = setUp(1_073_741_824);
    const before = process.memoryUsage().arrayBuffers;
    for (const id of [1, 2, 3, 4]) start(id, 1_073_741_824, bytesOf(id));
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  });
});

describe("the memory of a large body's parts", () => {
  const fixed = hex("00 00 00 01 00 00 00 05");
  /** A record with one frame alone in it, and that frame's body. */
  function alone(...body: readonly Uint8Array[]): { record: Uint8Array; body: Uint8Array } {
    const record = concat(new Uint8Array(frameHeaderBytes), ...body);
    return { record, body: record.subarray(frameHeaderBytes) };
  }

  test("is given back once a quarter of the whole is there, if each was alone in its record", () => {
    const bodies = new IncomingBodies({ maxMessageBytes: 100_000, maxUnderWay: 4 });
    const datas = [...[0, 1, 2, 3, 4].map(bytesOf), hex("ff")];
    const records = datas.map((data) => alone(fixed, data));
    const lengths = () => records.map(({ record }) => record.length);
    const before = lengths();
    const [first, ...others] = records.map(({ body }) => body) as [Uint8Array, ...Uint8Array[]];
    bodies.start({ id: 1, type: 5, totalBytes: 5 * least + 1 }, owned(first), fixed.length);
    assert.deepEqual(lengths(), before);
    const wholes = others.map((body) => bodies.part(1, owned(body), fixed.length));
    assert.deepEqual(wholes.pop()?.data, concat(...datas));
    assert.deepEqual(wholes, [undefined, undefined, undefined, undefined]);
    assert.deepEqual(
      lengths(),
      before.map((length) => (length > least ? lengthOnceGiven(length) : length)),
    );
  });

  test("is not that of a record in which there is anything else", () => {
    const others: Record<string, (body: Uint8Array) => { record: Uint8Array; body: Uint8Array }> = {
      "before the frame": (body) => {
        const record = concat(new Uint8Array(frameHeaderBytes + 1), body);
        return { record, body: record.subarray(frameHeaderBytes + 1) };
      },
      "behind the frame": (body) => {
        const record = concat(new Uint8Array(frameHeaderBytes), body, hex("aa"));
        return { record, body: record.subarray(frameHeaderBytes, -1) };
      },
      "behind it, as much as a header": (body) => {
        const record = concat(body, new Uint8Array(frameHeaderBytes));
        return { record, body: record.subarray(0, body.length) };
      },
      "before and behind it, as much as a header": (body) => {
        const record = concat(
          new Uint8Array(frameHeaderBytes),
          new Uint8Array(frameHeaderBytes),
          body,
          hex("aa"),
        );
        return { record, body: record.subarray(2 * frameHeaderBytes, -1) };
      },
    };
    for (const [what, made] of Object.entries(others)) {
      const bodies = new IncomingBodies({ maxMessageBytes: 100_000, maxUnderWay: 4 });
      const records = [0, 1].map((index) => made(concat(fixed, bytesOf(index))));
      const copies = records.map(({ record }) => Uint8Array.from(record));
      const [first, last] = records.map(({ body }) => body) as [Uint8Array, Uint8Array];
      bodies.start({ id: 1, type: 5, totalBytes: 2 * least }, lent(first), fixed.length);
      const whole = bodies.part(1, lent(last), fixed.length);
      assert.deepEqual(whole?.data, concat(bytesOf(0), bytesOf(1)), what);
      assert.deepEqual(
        records.map(({ record }) => record),
        copies,
        what,
      );
    }
  });

  test("is not the whole body's", () => {
    const { start, part } = setUp();
    start(1, 2 * least, alone(bytesOf(0)).body);
    const whole = part(1, alone(bytesOf(1)).body);
    start(1, 2 * least, alone(bytesOf(2)).body);
    part(1, alone(bytesOf(3)).body);
    assert.deepEqual(whole?.data, concat(bytesOf(0), bytesOf(1)));
  });
});

describe("the parts of a large body are refused", () => {
  const cases: Record<string, (setUp: ReturnType<typeof setUpBegun>) => unknown> = {
    "where a fifth begins": ({ start }) => {
      for (const id of [2, 3, 4, 5]) start(id, least + 1, bytesOf(id));
    },
    "where one of that id is under way": ({ start }) => start(1, least + 1, bytesOf(1)),
    "where the start is all of it": ({ start }) => start(2, least, bytesOf(2)),
    "where the start is more than all of it": ({ start }) => start(2, least - 1, bytesOf(2)),
    "where the start is too small": ({ start }) => start(2, least + 1, bytesOf(2).subarray(1)),
    "where there is no start": ({ part }) => part(2, bytesOf(2)),
    "where they are more than the start said": ({ part }) => part(1, pattern(2 * least + 1)),
    "where one that is not the last is too small": ({ part }) => part(1, bytesOf(1).subarray(1)),
    "where one is empty": ({ part }) => part(1, hex("")),
  };
  function setUpBegun() {
    const begun = setUp();
    begun.start(1, 3 * least, bytesOf(0));
    return begun;
  }
  for (const [when, act] of Object.entries(cases)) {
    test(when, () => {
      const begun = setUpBegun();
      assert.equal(
        thrownCode(() => act(begun)),
        "ERR_FRAME_INVALID",
      );
    });
  }
});
