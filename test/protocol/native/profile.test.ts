import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NativeProfile } from "#dist/protocol/native/profile.js";
import { maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import type { Windows } from "#dist/protocol/native/wire/lanes.js";
import { RecordReader, RecordWriter } from "#dist/protocol/native/wire/record.js";
import type { ProfileEvent } from "#dist/protocol/profile.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, pattern, toHex, uint32 } from "../../support/bytes.ts";
import { closeStart } from "../../support/close-start.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { sessionOfAnyIds } from "../../support/incoming.ts";
import { acknowledgement, framesOf, kindsIn, nativeFrame, weightOf } from "../../support/native-frames.ts";

interface Options {
  /** The peer's. */
  readonly windows?: Windows;
  readonly keepaliveIntervalMs?: number;
}

function setUp({ windows = [1e9, 1e9, 1e9], keepaliveIntervalMs = Number.POSITIVE_INFINITY }: Options = {}) {
  const clock = new FakeClock();
  const session = sessionOfAnyIds({ maxMessageBytes: 10_000_000, windows: [65_536, 65_536, 65_536] });
  session.attach({ maxMessageBytes: 10_000_000, windows }, undefined);
  const profile = new NativeProfile({
    session,
    clock,
    encrypted: false,
    reader: new RecordReader(),
    writer: new RecordWriter(),
    keepalive: { keepaliveIntervalMs, keepaliveTimeoutMs: 40 },
    frameTimeoutMs: 1e9,
  });
  const input = new ReceiveBuffer();
  /** The frames arrive as one record. */
  const receive = (...frames: readonly Uint8Array[]): ProfileEvent[] => {
    const record = concat(...frames);
    input.push(concat(uint32(record.length), record));
    const events: ProfileEvent[] = [];
    for (let event = profile.receive(input); event !== undefined; event = profile.receive(input))
      events.push(event);
    return events;
  };
  const pass = (ms: number): void => {
    clock.advance(ms);
    profile.handleTimeout(clock.now());
  };
  return { session, profile, input, receive, pass, clock };
}

const emptyMessage = nativeFrame("message", [5]);

/** The records of one write. */
function takeRecords(profile: NativeProfile): Uint8Array[] {
  const input = new ReceiveBuffer();
  for (const part of profile.takeOutput()) input.push(Uint8Array.from(part));
  const reader = new RecordReader();
  const records: Uint8Array[] = [];
  for (let record = reader.read(input); record !== undefined; record = reader.read(input))
    records.push(record.bytes.slice());
  assert.equal(input.length, 0);
  return records;
}

function takeAllRecords(profile: NativeProfile): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let records = takeRecords(profile); records.length > 0; records = takeRecords(profile))
    all.push(...records);
  return all;
}

/** The kinds of the frames in each record that leaves now. */
const kinds = (profile: NativeProfile): string[] => takeAllRecords(profile).map(kindsIn);

describe("what leaves on the native wire", () => {
  test("is nothing if there is nothing to say", () => {
    const { profile } = setUp();
    assert.deepEqual(profile.takeOutput(), []);
    assert.equal(profile.name, "native");
    assert.equal(profile.needsPausing, false);
    assert.equal(profile.encrypted, false);
    assert.equal(profile.outputEnded, false);
  });

  test("is together in a record: messages, then requests, then answers, failures and cancels", () => {
    const { session, profile } = setUp();
    session.answer(1, hex("01"));
    session.request(5, hex("02"));
    profile.session.send(5, hex("03"));
    session.fail(2, { code: "NO", message: "" });
    profile.session.send(6, hex("04"));
    session.cancel(1);
    assert.equal(profile.unsentBytes, session.queuedBytes);
    assert.deepEqual(kinds(profile), ["message message request answer failure cancel"]);
    assert.equal(profile.unsentBytes, 0);
    assert.ok(profile.session.queuedBytes > 0, "until it is acknowledged");
  });

  test("has as many bytes in a record as there may be, and some in one write", () => {
    const { profile } = setUp();
    for (let count = 0; count < 10_000; count++) profile.session.send(5, pattern(100, count));
    const records = takeRecords(profile);
    assert.ok(records.length >= 2);
    for (const { length } of records)
      assert.ok(length <= maxRecordBytes && length > 0.75 * maxRecordBytes, `${length} bytes`);
    const all = [...records, ...takeAllRecords(profile)];
    assert.equal(all.flatMap(framesOf).length, 10_000);
    assert.ok(all.length < 12);
  });

  test("is held up by the window of its lane, and by no other lane's", () => {
    const { session, profile, receive } = setUp({ windows: [70, 70, 70] });
    profile.session.send(5, hex(""));
    assert.deepEqual(kinds(profile), ["message"]);
    profile.session.send(5, hex("01"));
    session.request(5, hex(""));
    session.answer(1, hex(""));
    assert.deepEqual(kinds(profile), ["request answer"]);
    receive(acknowledgement(weightOf(emptyMessage)));
    assert.deepEqual(kinds(profile), ["message"]);
  });

  test("lets a request pass while a large message is on its way, after a record or two", () => {
    const { session, profile } = setUp();
    profile.session.send(5, pattern(maxRecordBytes * 60));
    takeRecords(profile);
    session.request(5, hex("01"));
    const after = takeAllRecords(profile).map(kindsIn);
    const at = after.findIndex((record) => record.includes("request"));
    assert.ok(at >= 0 && at <= 2, `in record ${at}`);
    assert.ok(after.length > 50);
  });

  test("gives large bodies of all lanes their turns", () => {
    const { session, profile } = setUp();
    profile.session.send(5, pattern(2_000_000));
    session.request(5, pattern(2_000_000));
    session.answer(1, pattern(2_000_000));
    const order = takeAllRecords(profile).map((record) => kindsIn(record).split("-")[0]);
    for (const lane of ["message", "request", "answer"]) {
      const gaps = order.flatMap((other, at) => (other === lane ? [at] : []));
      for (let index = 1; index < gaps.length; index++) {
        const gap = (gaps[index] as number) - (gaps[index - 1] as number);
        assert.ok(gap <= 4, `${lane} waits for ${gap} records`);
      }
    }
  });

  test("is not joined if it is large, and in one piece if it is small", () => {
    const { profile } = setUp();
    profile.session.send(5, pattern(10));
    assert.equal(profile.takeOutput().length, 1);
    profile.session.send(5, pattern(60_000));
    assert.equal(profile.takeOutput().length, 2, "a header, and a frame that is not copied");
  });
});

describe("what arrives on the native wire", () => {
  test("is reported frame by frame, in order, however the records are made", () => {
    const frames = [
      nativeFrame("message", [5], hex("0a")),
      nativeFrame("ping", [1]),
      nativeFrame("request", [1, 6]),
      nativeFrame("cancel", [1]),
      nativeFrame("answer", [2], hex("0b")),
    ];
    const expected = ["message", "request", "cancel", "answer"];
    const one = setUp();
    assert.deepEqual(
      one.receive(...frames).map(({ kind }) => kind),
      expected,
    );
    const each = setUp();
    assert.deepEqual(
      frames.flatMap((frame) => each.receive(frame)).map(({ kind }) => kind),
      expected,
    );
  });

  test("waits until a record is whole", () => {
    const { profile, input } = setUp();
    const frame = nativeFrame("message", [5], hex("0a"));
    const bytes = concat(uint32(frame.length), frame);
    for (const byte of bytes.subarray(0, -1)) {
      input.push(Uint8Array.of(byte));
      assert.equal(profile.receive(input), undefined);
    }
    input.push(bytes.subarray(-1));
    assert.equal(profile.receive(input)?.kind, "message");
  });

  test("that is the peer's close is told", () => {
    const { receive } = setUp();
    assert.deepEqual(receive(nativeFrame("close")), [{ kind: "peer-closed" }]);
  });

  const invalid: Record<string, Uint8Array> = {
    "a hello after the first": nativeFrame("hello"),
    "a kind of 0": nativeFrame(0),
    "an unknown kind before the lanes": nativeFrame(7),
    "the highest kind before the lanes": nativeFrame(0x0f),
    "an acknowledgement that is too short": nativeFrame("acknowledge", [0, 0, 0, 0, 0]),
    "a ping that is too short": nativeFrame("ping", [], hex("00 00 01")),
    "a pong that is too short": nativeFrame("pong", [], hex("00 00 01")),
    "an acknowledgement of what was not sent": acknowledgement(1),
    "a position of 2^53": nativeFrame("acknowledge", [0x20_0000, 0, 0, 0, 0, 0]),
    "a frame that ends outside its record": concat(nativeFrame("pong", [1]), hex("10 00 00 05 00 00 00 05")),
    "a header that is cut": concat(nativeFrame("pong", [1]), hex("10 00 00")),
    "a kind alone": concat(nativeFrame("pong", [1]), hex("10")),
  };
  for (const [what, record] of Object.entries(invalid)) {
    test(`is refused if it is ${what}`, () => {
      assert.equal(
        thrownCode(() => setUp().receive(record)),
        "ERR_FRAME_INVALID",
      );
    });
  }

  test("may say more than its fields have room for: what follows them is ignored", () => {
    const { receive, profile } = setUp();
    receive(nativeFrame("acknowledge", [0, 0, 0, 0, 0, 0], hex("ff")), nativeFrame("pong", [1], hex("ff")));
    receive(nativeFrame("ping", [9], hex("ff")), nativeFrame("acknowledge-soon", [], hex("ff")));
    assert.deepEqual(takeAllRecords(profile).map(toHex), ["05 00 00 04 00 00 00 09"]);
  });
});

describe("a ping", () => {
  test("is answered at once with its token, before all else", () => {
    const { profile, receive } = setUp();
    profile.session.send(5, hex("01"));
    receive(nativeFrame("ping", [0xdead_beef]));
    const [record] = takeAllRecords(profile);
    assert.equal(kindsIn(record as Uint8Array), "pong message");
    assert.equal(toHex((record as Uint8Array).subarray(0, 8)), "05 00 00 04 de ad be ef");
  });

  test("is one too many if 64 answers wait that the peer does not read", () => {
    const { receive, profile } = setUp();
    const ping = nativeFrame("ping", [1]);
    receive(...Array(64).fill(ping));
    assert.equal(
      thrownCode(() => receive(ping)),
      "ERR_FRAME_INVALID",
    );
    const other = setUp();
    other.receive(...Array(64).fill(ping));
    assert.equal(takeAllRecords(other.profile).flatMap(framesOf).length, 64);
    other.receive(...Array(64).fill(ping));
    assert.equal(profile.outputEnded, false);
  });

  test("is sent after silence, with another token each time; and silence after it means death", () => {
    const { profile, pass, clock } = setUp({ keepaliveIntervalMs: 100 });
    assert.equal(profile.nextTimeout(), clock.now() + 100);
    pass(99);
    assert.deepEqual(kinds(profile), []);
    pass(1);
    assert.deepEqual(takeAllRecords(profile).map(toHex), ["04 00 00 04 00 00 00 01"]);
    profile.heard();
    pass(100);
    assert.deepEqual(takeAllRecords(profile).map(toHex), ["04 00 00 04 00 00 00 02"]);
    assert.equal(profile.nextTimeout(), clock.now() + 40);
    assert.equal(
      thrownCode(() => pass(40)),
      "ERR_KEEPALIVE_TIMEOUT",
    );
  });
});

describe("what was taken", () => {
  const request = nativeFrame("request", [1, 5]);

  test("is sent by itself after 20 ms", () => {
    const { profile, receive, pass, clock } = setUp();
    receive(emptyMessage, request);
    assert.equal(profile.nextTimeout(), Number.POSITIVE_INFINITY);
    profile.session.consumed("messages", weightOf(emptyMessage));
    assert.deepEqual(kinds(profile), []);
    assert.equal(profile.nextTimeout(), clock.now() + 20);
    clock.advance(5);
    profile.session.consumed("requests", weightOf(request));
    assert.deepEqual(kinds(profile), []);
    pass(15);
    assert.deepEqual(takeAllRecords(profile).map(toHex), [
      toHex(acknowledgement(weightOf(emptyMessage), weightOf(request))),
    ]);
    assert.equal(profile.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test("is sent as well for what needs no application to consume it", () => {
    const { receive, pass, profile } = setUp();
    receive(nativeFrame("answer", [1]));
    pass(20);
    assert.deepEqual(takeAllRecords(profile).map(toHex), [
      toHex(acknowledgement(0, 0, weightOf(nativeFrame("answer", [1])))),
    ]);
  });

  test("goes with what is sent anyway if it is worth it", () => {
    const { profile, receive } = setUp();
    receive(nativeFrame("answer", [1], pattern(100)));
    profile.session.send(5, hex(""));
    assert.deepEqual(kinds(profile), ["message"]);
    receive(nativeFrame("answer", [1], pattern(9_000)));
    profile.session.send(5, hex(""));
    assert.deepEqual(kinds(profile), ["message acknowledge"]);
  });

  test("is sent at once if the peer has asked, as soon as everything is consumed", () => {
    const { profile, receive } = setUp();
    receive(nativeFrame("message", [5]), nativeFrame("acknowledge-soon"));
    assert.deepEqual(kinds(profile), []);
    profile.session.consumed("messages", weightOf(emptyMessage));
    assert.deepEqual(kinds(profile), ["acknowledge"]);
  });
});

describe("asking for an acknowledgement", () => {
  test("goes out behind everything that was sent, once", () => {
    const { profile } = setUp();
    profile.session.send(5, hex("01"));
    profile.session.askForAcknowledgement();
    assert.deepEqual(kinds(profile), ["message acknowledge-soon"]);
    assert.deepEqual(kinds(profile), []);
    profile.session.askForAcknowledgement();
    assert.deepEqual(kinds(profile), ["acknowledge-soon"], "it has not come yet, and is asked for again");
  });

  test("waits until the windows have let all of it go", () => {
    const { profile, receive } = setUp({ windows: [1, 1, 1] });
    profile.session.send(5, hex(""));
    takeAllRecords(profile);
    profile.session.send(5, hex(""));
    profile.session.askForAcknowledgement();
    assert.deepEqual(kinds(profile), []);
    receive(acknowledgement(weightOf(emptyMessage)));
    assert.deepEqual(kinds(profile), ["message acknowledge-soon"]);
  });

  test("asks nothing if all is acknowledged", () => {
    const { profile } = setUp();
    profile.session.askForAcknowledgement();
    assert.deepEqual(kinds(profile), []);
  });
});

describe("a close of ours", () => {
  test("goes out behind everything that was sent, and after it nothing", () => {
    const { session, profile, receive } = setUp();
    profile.session.send(5, hex("01"));
    session.answer(1, hex(""));
    receive(nativeFrame("ping", [1]));
    profile.close(closeStart);
    assert.equal(profile.outputEnded, false);
    assert.deepEqual(kinds(profile), ["pong message answer close"]);
    assert.equal(profile.outputEnded, true);
    receive(nativeFrame("ping", [1]));
    profile.close(closeStart);
    assert.deepEqual(kinds(profile), []);
  });

  test("waits for the peer's windows to let everything go", () => {
    const { profile, receive } = setUp({ windows: [1, 1, 1] });
    profile.session.send(5, hex(""));
    takeAllRecords(profile);
    profile.session.send(6, hex(""));
    profile.close(closeStart);
    assert.deepEqual(kinds(profile), []);
    assert.equal(profile.unsentBytes, weightOf(emptyMessage));
    receive(acknowledgement(weightOf(emptyMessage)));
    assert.deepEqual(kinds(profile), ["message close"]);
    assert.equal(profile.unsentBytes, 0);
  });

  test("has an acknowledgement with it if that is due", () => {
    const { profile, receive, pass } = setUp();
    receive(nativeFrame("answer", [1]));
    pass(20);
    profile.close(closeStart);
    assert.deepEqual(kinds(profile), ["acknowledge close"]);
  });
});

describe("the end of the session", () => {
  test("in order is sent as a close alone, without what was still to be sent", () => {
    const { profile } = setUp();
    profile.session.send(5, hex("01"));
    profile.finish(true);
    assert.deepEqual(kinds(profile), ["close"]);
    assert.equal(profile.outputEnded, true);
    assert.equal(profile.unsentBytes, 0);
    assert.deepEqual(kinds(profile), []);
  });

  test("in order is not put off by a close of ours that comes too late", () => {
    const { profile } = setUp();
    profile.session.send(5, hex("01"));
    profile.finish(true);
    profile.close(closeStart);
    assert.deepEqual(kinds(profile), ["close"]);
  });

  test("in order after our own close is not sent again", () => {
    const { profile } = setUp();
    profile.close(closeStart);
    takeAllRecords(profile);
    profile.finish(true);
    assert.deepEqual(kinds(profile), []);
  });

  test("for a fault is not sent", () => {
    const { profile } = setUp();
    profile.session.send(5, hex("01"));
    profile.finish(false);
    assert.deepEqual(kinds(profile), []);
    assert.equal(profile.outputEnded, true);
    profile.close(closeStart);
    assert.deepEqual(kinds(profile), []);
  });
});
