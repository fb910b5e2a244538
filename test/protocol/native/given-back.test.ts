import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "#dist/crypto/node.js";
import type { CryptoProvider } from "#dist/protocol/crypto-provider.js";
import { lengthBytes } from "#dist/protocol/length-prefix.js";
import { NativeProfile } from "#dist/protocol/native/profile.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { maxBodyBytes, maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { RecordReader, RecordWriter } from "#dist/protocol/native/wire/record.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, pattern } from "../../support/bytes.ts";
import { closeStart } from "../../support/close-start.ts";
import { cutInto } from "../../support/cutting.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { sessionOfAnyIds } from "../../support/incoming.ts";
import { lengthOnceGiven } from "../../support/memory.ts";
import { nativeFrame } from "../../support/native-frames.ts";

const limits = { maxMessageBytes: 10_000_000, windows: [1e9, 1e9, 1e9] } as const;

/** node:crypto, and what it has opened. */
function watchedCrypto(): { crypto: CryptoProvider; opened: Uint8Array[] } {
  const opened: Uint8Array[] = [];
  const createAead: CryptoProvider["createAead"] = (key) => {
    const aead = nodeCrypto.createAead(key);
    return {
      seal: aead.seal.bind(aead),
      createBatch: (nonces) => aead.createBatch(nonces),
      wipe: () => aead.wipe(),
      open(nonce, sealed, additionalData) {
        const plaintext = aead.open(nonce, sealed, additionalData);
        if (plaintext !== undefined) opened.push(plaintext);
        return plaintext;
      },
    };
  };
  return { crypto: { ...nodeCrypto, createAead }, opened };
}

/** One end of a connection. It keeps the data of all that arrives, as an application may. */
class End {
  readonly session: NativeSession;
  readonly profile: NativeProfile;
  readonly #encrypted: boolean;
  readonly input = new ReceiveBuffer();
  readonly told: { readonly text: string; readonly data: Uint8Array }[] = [];

  constructor(encrypted: boolean, crypto = nodeCrypto, session = sessionOfAnyIds(limits)) {
    this.#encrypted = encrypted;
    this.session = session;
    const keys = () => (encrypted ? { trafficSecret: pattern(32), crypto } : undefined);
    this.session.attach(limits, undefined);
    this.profile = new NativeProfile({
      encrypted,
      session: this.session,
      clock: new FakeClock(),
      reader: new RecordReader(keys()),
      writer: new RecordWriter(keys()),
      keepalive: { keepaliveIntervalMs: 1e9, keepaliveTimeoutMs: 1e9 },
      frameTimeoutMs: 1e9,
    });
  }

  /** The same session after the connection was lost, with all that had not left. */
  onNextConnection(): End {
    return new End(this.#encrypted, nodeCrypto, this.session);
  }

  /** The chunk is its own from now on. */
  receive(chunk: Uint8Array): void {
    this.input.push(chunk);
    for (let event = this.profile.receive(this.input); event !== undefined; ) {
      if (event.kind === "peer-closed") this.told.push({ text: "peer-closed", data: new Uint8Array() });
      if ("data" in event && event.data !== undefined)
        this.told.push({ text: textOf(event), data: event.data });
      if (event.kind === "message") this.profile.session.consumed("messages", event.position);
      if (event.kind === "request") this.profile.session.consumed("requests", event.position);
      event = this.profile.receive(this.input);
    }
  }

  /** All that leaves now, write by write. */
  written(): Uint8Array[] {
    const writes: Uint8Array[] = [];
    for (let parts = this.profile.takeOutput(); parts.length > 0; parts = this.profile.takeOutput()) {
      writes.push(concat(...parts));
      this.profile.returnOutput();
    }
    return writes;
  }
}

function textOf({ kind, ...event }: { readonly kind: string; readonly id?: number; readonly type?: number }) {
  return [kind, event.id ?? 0, event.type ?? 0].join(" ");
}

/** Those bytes in memory of their own, as a transport gives them. */
const chunksOf = (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] =>
  cutInto(sizes)(bytes).map((chunk) => Uint8Array.from(chunk));

const partBytes = 20_000;
const startOf = (data: Uint8Array) =>
  nativeFrame("message-start", [7, data.length], data.subarray(0, partBytes));
const partOf = (data: Uint8Array, index: number) =>
  nativeFrame("message-part", [], data.subarray(index * partBytes, (index + 1) * partBytes));

for (const encrypted of [false, true]) {
  describe(`the memory of a record, ${encrypted ? "sealed" : "plain"}`, () => {
    function setUp() {
      const { crypto, opened } = watchedCrypto();
      const writer = new RecordWriter(
        encrypted ? { trafficSecret: pattern(32), crypto: nodeCrypto } : undefined,
      );
      const to = new End(encrypted, crypto);
      /** A record of these frames arrives, its length first and the rest in one chunk. What its frames then lie in. */
      const deliver = (...frames: readonly Uint8Array[]): Uint8Array => {
        const record = concat(...writer.write(frames));
        const chunk = record.slice(lengthBytes);
        to.receive(record.slice(0, lengthBytes));
        to.receive(chunk);
        return encrypted ? (opened.at(-1) as Uint8Array) : chunk;
      };
      return { to, deliver };
    }

    const whole = pattern(2 * partBytes + 100, 3);
    const parts = [startOf(whole), partOf(whole, 1), partOf(whole, 2)] as const;
    const wholeTold = { text: "message 0 7", data: whole };

    test("in which a part is alone is given back once the part is where it belongs", () => {
      const { to, deliver } = setUp();
      const records = parts.map((part) => deliver(part));
      assert.deepEqual(
        records.map(({ length }) => length),
        [lengthOnceGiven(parts[0].length), lengthOnceGiven(parts[1].length), parts[2].length],
      );
      assert.deepEqual(to.told, [wholeTold]);
    });

    test("in which a part is alone is kept until a quarter of the body is there", () => {
      const { to, deliver } = setUp();
      const larger = pattern(5 * partBytes, 6);
      const given = [startOf(larger), partOf(larger, 1)].map(({ length }) => lengthOnceGiven(length));
      const first = deliver(startOf(larger));
      assert.deepEqual(first, startOf(larger));
      const second = deliver(partOf(larger, 1));
      assert.deepEqual([first.length, second.length], given);
      for (const index of [2, 3, 4]) deliver(partOf(larger, index));
      assert.deepEqual(to.told, [{ text: "message 0 7", data: larger }]);
    });

    const other = pattern(30_000, 9);
    const small = pattern(10, 8);
    const layouts: Record<string, (part: Uint8Array) => readonly Uint8Array[]> = {
      "an answer before it": (part) => [nativeFrame("answer", [1], other), part],
      "an answer behind it": (part) => [part, nativeFrame("answer", [1], other)],
      "a small answer before it": (part) => [nativeFrame("answer", [1], small), part],
      "a small answer behind it": (part) => [part, nativeFrame("answer", [1], small)],
      "a request behind it": (part) => [part, nativeFrame("request", [1, 5], other)],
      "answers on both sides": (part) => [
        nativeFrame("answer", [1], small),
        part,
        nativeFrame("answer", [2], other),
      ],
    };
    for (const [what, around] of Object.entries(layouts)) {
      test(`that has ${what} stays with its receiver once the part's body is complete`, () => {
        const { to, deliver } = setUp();
        const shared = deliver(...around(parts[0]));
        deliver(parts[1]);
        deliver(parts[2]);
        assert.deepEqual(shared, concat(...around(parts[0])));
        assert.deepEqual(to.told.at(-1), wholeTold);
        const others = to.told.slice(0, -1).map(({ data }) => data);
        assert.equal(others.length, around(parts[0]).length - 1);
        for (const data of others) assert.deepEqual(data, data.length === small.length ? small : other);
      });
    }

    test("that has the last part and a message after it stays with their receiver", () => {
      const { to, deliver } = setUp();
      const large = pattern(2 * partBytes, 4);
      deliver(startOf(large));
      const shared = deliver(partOf(large, 1), nativeFrame("message", [8], other));
      assert.notEqual(shared.length, 0);
      assert.deepEqual(to.told, [
        { text: "message 0 7", data: large },
        { text: "message 0 8", data: other },
      ]);
    });

    test("that has a message alone stays with its receiver", () => {
      const { to, deliver } = setUp();
      const frame = nativeFrame("message", [8], other);
      assert.deepEqual(deliver(frame), frame);
      deliver(nativeFrame("message", [9]));
      assert.deepEqual(to.told[0], { text: "message 0 8", data: other });
    });

    test("is never given back while a receiver has data in it, however frames, records and chunks lie", () => {
      fc.assert(
        fc.property(
          fc.array(body, { minLength: 1, maxLength: 12 }),
          grouping,
          chunkSizes,
          (bodies, groups, sizes) => {
            const { frames, expected } = framesOf(bodies);
            const writer = new RecordWriter(
              encrypted ? { trafficSecret: pattern(32), crypto: nodeCrypto } : undefined,
            );
            const bytes = concat(
              ...recordsOf(frames, groups).map((record) => concat(...writer.write(record))),
            );
            const to = new End(encrypted);
            for (const chunk of chunksOf(bytes, sizes)) to.receive(chunk);
            checkAll(to, expected);
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  describe(`what two ends say to each other, ${encrypted ? "sealed" : "plain"}`, () => {
    test("is what it was, for as long as anyone has it, though its memory is used again on the way", () => {
      fc.assert(
        fc.property(fc.array(turn, { minLength: 1, maxLength: 10 }), chunkSizes, (turns, sizes) => {
          const [one, other] = [new End(encrypted), new End(encrypted)];
          const expected: Expected[] = [];
          for (const bodies of turns) {
            for (const { lane, bytes } of bodies) expected.push(send(one, lane, bytes, expected.length + 1));
            for (const write of one.written()) {
              for (const chunk of chunksOf(write, sizes)) other.receive(chunk);
              for (const back of other.written())
                for (const chunk of chunksOf(back, sizes)) one.receive(chunk);
            }
          }
          checkAll(other, expected);
        }),
        { numRuns: 40 },
      );
    });
  });
}

describe("what has left", () => {
  test("is given back once the transport has let go of it, if it was sealed: nobody else has that", () => {
    const end = new End(true);
    end.profile.session.send(5, pattern(20_000));
    const parts = end.profile.takeOutput();
    const before = parts.map(({ length }) => length);
    const large = Math.max(...before);
    assert.ok(large >= 20_000);
    end.profile.session.send(6, pattern(10));
    assert.deepEqual(
      parts.map(({ length }) => length),
      before,
      "it may not have left yet",
    );
    end.profile.returnOutput();
    assert.deepEqual(
      parts.map(({ length }) => length),
      before.map((length) => (length === large ? lengthOnceGiven(length) : length)),
    );
  });

  test("can be sent again in either case", () => {
    for (const encrypted of [false, true]) {
      const end = new End(encrypted);
      const data = pattern(maxBodyBytes + 50_000);
      end.profile.session.send(5, data);
      end.written();
      end.session.outgoing.rewind([0, 0, 0]);
      const frames = concat(end.session.outgoing.messages.take(), end.session.outgoing.messages.take());
      const first = data.subarray(0, maxBodyBytes - 8);
      assert.equal(
        Buffer.compare(
          frames,
          concat(
            nativeFrame("message-start", [5, data.length], first),
            nativeFrame("message-part", [], data.subarray(first.length)),
          ),
        ),
        0,
      );
    }
  });
});

type LaneName = "message" | "request" | "answer";

interface Body {
  readonly lane: LaneName;
  readonly bytes: number;
  /** In so many parts, where it is large enough. */
  readonly parts: number;
}

interface Expected {
  readonly text: string;
  readonly data: Uint8Array;
}

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 3, arbitrary: fc.integer({ min: 16_360, max: 16_400 }) },
  { weight: 3, arbitrary: fc.integer({ min: 17_000, max: 60_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: maxBodyBytes - 12, max: maxBodyBytes }) },
  { weight: 1, arbitrary: fc.nat(300_000) },
);
const body: fc.Arbitrary<Body> = fc.record({
  lane: fc.constantFrom<LaneName>("message", "request", "answer"),
  bytes: size,
  parts: fc.integer({ min: 1, max: 4 }),
});
const turn = fc.array(body, { maxLength: 5 });
/** How many frames go into each record, over and over. */
const grouping = fc.array(fc.constantFrom(1, 1, 1, 2, 3), { minLength: 1, maxLength: 6 });
const chunkSizes = fc.oneof(
  fc.constant([65_536]),
  fc.constant([1_000_000]),
  // Where a record's length comes by itself, the next chunk may be a record and nothing else.
  fc.constant([4, maxRecordBytes]),
  fc.array(fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 16_384, max: 140_000 })), {
    minLength: 1,
    maxLength: 4,
  }),
);

function expectedOf(lane: LaneName, bytes: number, number: number): Expected {
  const text = {
    message: `message 0 ${number}`,
    request: `request ${number} 5`,
    answer: `answer ${number} 0`,
  };
  return { text: text[lane], data: pattern(bytes, number) };
}

function send(end: End, lane: LaneName, bytes: number, number: number): Expected {
  const expected = expectedOf(lane, bytes, number);
  if (lane === "message") end.profile.session.send(number, expected.data);
  else if (lane === "request") end.session.outgoing.request(number, { type: 5, data: expected.data });
  else end.session.answer(number, expected.data);
  return expected;
}

/** A body's frames: one, or as many of nearly the same size as the body allows. */
function framesOfBody({ lane, bytes, parts }: Body, number: number): Uint8Array[] {
  const { data } = expectedOf(lane, bytes, number);
  const whole = { message: [number], request: [number, 5], answer: [number] }[lane];
  const count = Math.max(Math.min(parts, Math.floor(bytes / 16_500)), Math.ceil(bytes / (maxBodyBytes - 12)));
  if (count <= 1) return [nativeFrame(lane, whole, data)];
  const each = Math.ceil(bytes / count);
  return Array.from({ length: count }, (_, index) => {
    const part = data.subarray(index * each, (index + 1) * each);
    if (index === 0) return nativeFrame(`${lane}-start`, [...whole, bytes], part);
    return nativeFrame(`${lane}-part`, lane === "message" ? [] : [number], part);
  });
}

/** The frames of all bodies, each lane's in order, and those of the lanes by turns. */
function framesOf(bodies: readonly Body[]): { frames: Uint8Array[]; expected: Expected[] } {
  const lanes: Record<LaneName, Uint8Array[]> = { message: [], request: [], answer: [] };
  const expected = bodies.map((given, index) => {
    lanes[given.lane].push(...framesOfBody(given, index + 1));
    return expectedOf(given.lane, given.bytes, index + 1);
  });
  const frames: Uint8Array[] = [];
  const all = Object.values(lanes);
  for (let at = 0; all.some((lane) => at < lane.length); at++)
    frames.push(...all.flatMap((lane) => lane[at] ?? []));
  return { frames, expected };
}

function recordsOf(frames: readonly Uint8Array[], groups: readonly number[]): Uint8Array[][] {
  const records: Uint8Array[][] = [];
  let [record, bytes]: [Uint8Array[], number] = [[], 0];
  for (const frame of frames) {
    const isFull = record.length >= (groups[records.length % groups.length] as number);
    if (record.length > 0 && (isFull || bytes + frame.length > maxRecordBytes)) {
      records.push(record);
      [record, bytes] = [[], 0];
    }
    record.push(frame);
    bytes += frame.length;
  }
  return [...records, record];
}

/** Everything arrived, each lane's things in order, and is still what it was. */
function checkAll({ told }: End, expected: readonly Expected[]): void {
  const inLane = (lane: string) => (one: { readonly text: string }) => one.text.startsWith(lane);
  for (const lane of ["message", "request", "answer"]) {
    const byText = (one: Expected, other: Expected) => one.text.localeCompare(other.text);
    const [got, wanted] = [told, expected].map((list) => list.filter(inLane(lane)).toSorted(byText));
    assert.deepEqual(
      got?.map(({ text }) => text),
      wanted?.map(({ text }) => text),
    );
    for (const [index, { text, data }] of (got ?? []).entries()) {
      assert.equal(Buffer.compare(data, wanted?.[index]?.data as Uint8Array), 0, text);
    }
  }
}

describe("a write of a profile", () => {
  const large = pattern(40_000, 1);
  const lengths = (parts: readonly Uint8Array[]) => parts.map(({ length }) => length);

  /** The parts of a write with a large message, and of what they have once the next was asked for. */
  function writtenBy(encrypted: boolean): { first: Uint8Array[]; before: number[]; end: End } {
    const end = new End(encrypted);
    end.session.send(5, large);
    const first = end.profile.takeOutput();
    return { first, before: lengths(first), end };
  }

  test("is given back when the next is asked for, if it was sealed", () => {
    const { first, before, end } = writtenBy(true);
    assert.ok(before.some((length) => length >= large.length));
    assert.deepEqual(end.profile.takeOutput(), []);
    assert.deepEqual(
      lengths(first),
      before.map((length) => (length >= large.length ? lengthOnceGiven(length) : length)),
    );
  });

  test("stays if it is plain: it may have to be sent again", () => {
    const { first, before, end } = writtenBy(false);
    const bytes = concat(...first);
    assert.deepEqual(end.profile.takeOutput(), []);
    assert.deepEqual(lengths(first), before);
    assert.deepEqual(concat(...first), bytes);
  });

  test("is made ready while another is on its way, if there is much to seal, and comes next", () => {
    const [from, to] = [new End(true), new End(true)];
    const messages = Array.from({ length: 20 }, (_, index) => pattern(40_000, index));
    for (const data of messages) from.session.send(5, data);
    const first = concat(...from.profile.takeOutput());
    from.profile.prepareOutput();
    const unsent = from.profile.unsentBytes;
    from.profile.prepareOutput();
    assert.equal(from.profile.unsentBytes, unsent, "one is ready");
    to.receive(first);
    for (const write of from.written()) to.receive(write);
    assert.deepEqual(
      to.told.map(({ data }) => data),
      messages,
    );
  });

  test("is not made ready of little, of what is plain, or once it is closed", () => {
    const { end: little } = writtenBy(true);
    const { end: plain } = writtenBy(false);
    const { end: closed } = writtenBy(true);
    for (const end of [little, plain, closed]) end.session.send(5, large);
    for (const end of [plain, closed]) {
      for (let count = 0; count < 10; count++) end.session.send(5, large);
    }
    closed.profile.close(closeStart);
    for (const end of [little, plain, closed]) {
      const unsent = end.profile.unsentBytes;
      end.profile.prepareOutput();
      assert.equal(end.profile.unsentBytes, unsent);
    }
  });

  test("that was made ready is dropped if the connection ends in disorder", () => {
    const { end } = writtenBy(true);
    for (let count = 0; count < 10; count++) end.session.send(5, large);
    end.profile.prepareOutput();
    end.profile.finish(false);
    assert.deepEqual(end.profile.takeOutput(), []);
  });

  test("that was made ready comes before the close if it ends in order", () => {
    const [from, to] = [new End(true), new End(true)];
    for (let count = 0; count < 10; count++) from.session.send(5, large);
    const first = concat(...from.profile.takeOutput());
    from.profile.prepareOutput();
    from.profile.close(closeStart);
    to.receive(first);
    for (const write of from.written()) to.receive(write);
    assert.deepEqual(
      to.told.map(({ text }) => text),
      [...Array(10).fill("message 0 5"), "peer-closed"],
    );
  });

  test("of a peer that acknowledges what has not left yet is not written over", () => {
    const from = new End(false);
    from.session.send(5, large);
    const parts = from.profile.takeOutput();
    const bytes = concat(...parts);
    from.session.outgoing.acknowledge([from.session.outgoing.messages.sentPosition, 0, 0]);
    new End(false).session.send(6, pattern(40_000, 2));
    from.session.send(7, pattern(40_000, 3));
    assert.deepEqual(concat(...parts), bytes);
    from.profile.returnOutput();
    assert.notDeepEqual(concat(...parts), bytes, "now it is used again");
  });

  test("that a lost connection had is never used again, whatever the peer acknowledges on the next", () => {
    const from = new End(false);
    from.session.send(5, large);
    from.session.send(6, pattern(400_000, 2));
    const parts = from.profile.takeOutput();
    const bytes = concat(...parts);
    const { messages } = from.session.outgoing;
    for (const received of [() => 0, () => messages.sentPosition]) {
      const next = from.onNextConnection();
      from.session.outgoing.rewind([received(), 0, 0]);
      next.written();
      from.session.outgoing.acknowledge([messages.sentPosition, 0, 0]);
      next.written();
      next.session.send(7, pattern(40_000, 3));
      next.written();
      assert.deepEqual(concat(...parts), bytes);
    }
  });

  test("and that was acknowledged on the connection before it was lost is never used again", () => {
    const from = new End(false);
    from.session.send(5, large);
    const parts = from.profile.takeOutput();
    const bytes = concat(...parts);
    from.session.outgoing.acknowledge([from.session.outgoing.messages.sentPosition, 0, 0]);
    from.onNextConnection().written();
    assert.deepEqual(concat(...parts), bytes);
  });
});
