import assert from "node:assert/strict";
import fc from "fast-check";
import { frameHeaderBytes, maxBodyBytes, maxRecordBytes } from "#dist/protocol/native/wire/frame.js";
import { decodeNativeHello, encodeNativeHello } from "#dist/protocol/native/wire/hello.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { concat, flipBit, pattern, uint32 } from "../support/bytes.ts";
import { byteAtATime, type Cutting, whole } from "../support/cutting.ts";
import { weightOf } from "../support/native-frames.ts";
import { nativeFrame } from "../support/native-raw-peer.ts";
import { DrivenNative, digestOf, type NativePath, nativePaths } from "./driven-native.ts";
import { damage, damaged, scaledCuttings } from "./inputs.ts";
import { type Target, target } from "./target.ts";

const kinds = [
  1, 2, 3, 4, 5, 6, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x30, 0x31, 0x32, 0x33, 0x34, 0x40, 0x41,
  0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
];
const zeros = (count: number): Uint8Array => new Uint8Array(count);
const position = fc.constantFrom(0, 0, 0, weightOf(nativeFrame(0x10, uint32(1))), minWindow, 0xffff_ffff);
const id = fc.oneof(fc.nat(5), fc.constantFrom(0xffff_ffff, 0x8000_0000));
const total = fc.constantFrom(0, 1, 5, 16_384, 16_385, 40_000, 99_999, 100_000, 100_001, 0xffff_ffff);
const small = fc.uint8Array({ maxLength: 20 });
const part = fc.oneof(
  { weight: 20, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom(16_383, 16_384, 16_385, 40_000, maxBodyBytes - 8).map(zeros) },
);
const failureTail = fc
  .tuple(
    fc.constantFrom("", "E", "ERR_NO_HANDLER", "lower", "A".repeat(64), "A".repeat(65)),
    small,
    fc.nat(3),
  )
  .map(([code, message, off]) =>
    concat(Uint8Array.of(off === 3 ? code.length + 1 : code.length), Buffer.from(code), message),
  );

/** A frame of a stream. Few ids, so that many frames are of one that is open. */
const ofStream: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(id, id, part)
      .map(([n, type, data]) => nativeFrame(0x40, uint32(n), uint32(type), data)),
  },
  { weight: 8, arbitrary: fc.tuple(id, part).map(([n, data]) => nativeFrame(0x42, uint32(n), data)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(id, id, total, part)
      .map(([n, type, bytes, data]) => nativeFrame(0x41, uint32(n), uint32(type), uint32(bytes), data)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, total, part)
      .map(([n, bytes, data]) => nativeFrame(0x43, uint32(n), uint32(bytes), data)),
  },
  { weight: 3, arbitrary: part.map((data) => nativeFrame(0x44, data)) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(0x45, 0x47), id).map(([kind, n]) => nativeFrame(kind, uint32(n))),
  },
  { weight: 3, arbitrary: fc.tuple(id, failureTail).map(([n, tail]) => nativeFrame(0x46, uint32(n), tail)) },
  {
    weight: 2,
    arbitrary: fc.tuple(id, position).map(([n, low]) => nativeFrame(0x48, uint32(n), uint32(0), uint32(low))),
  },
);

/** A context, and what it is of, or something else. */
const traced: fc.Arbitrary<Uint8Array> = fc
  .record({
    kinds: fc.constantFrom(
      [0x23, 0x20],
      [0x23, 0x21],
      [0x49, 0x40],
      [0x49, 0x41],
      [0x23, 0x24],
      [0x49, 0x42],
    ),
    id,
    isForIt: fc.nat(9),
    traceparent: fc.uint8Array({ minLength: 26, maxLength: 26 }),
    tracestate: fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("~".repeat(512), "~".repeat(513))),
    total,
    data: part,
  })
  .map(({ kinds: [context = 0, kind = 0], id: n, isForIt, traceparent, tracestate, total: bytes, data }) => {
    const large = kind % 2 === 1 ? [uint32(bytes)] : [];
    const ahead = nativeFrame(context, uint32(n), traceparent, Buffer.from(tracestate, "latin1"));
    const follows = nativeFrame(kind, uint32(isForIt === 0 ? n + 1 : n), uint32(1), ...large, data);
    return isForIt === 1 ? ahead : concat(ahead, follows);
  });

/** A frame that its fields at least are right of. */
const formed: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 10, arbitrary: ofStream },
  { weight: 4, arbitrary: traced },
  {
    weight: 2,
    arbitrary: fc
      .tuple(id, fc.nat(255), fc.oneof(small, fc.constantFrom(1_024, 1_025).map(zeros)))
      .map(([n, operation, data]) => nativeFrame(0x24, uint32(n), Uint8Array.of(operation), data)),
  },
  { weight: 6, arbitrary: fc.tuple(id, part).map(([type, data]) => nativeFrame(0x10, uint32(type), data)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(id, id, part)
      .map(([n, type, data]) => nativeFrame(0x20, uint32(n), uint32(type), data)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0x12, 0x22, 0x30, 0x32, 0x34), id, part)
      .map(([kind, n, data]) => nativeFrame(kind, uint32(n), data)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0x11, 0x31), id, total, part)
      .map(([kind, n, bytes, data]) => nativeFrame(kind, uint32(n), uint32(bytes), data)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, id, total, part)
      .map(([n, type, bytes, data]) => nativeFrame(0x21, uint32(n), uint32(type), uint32(bytes), data)),
  },
  { weight: 3, arbitrary: fc.tuple(id, failureTail).map(([n, tail]) => nativeFrame(0x33, uint32(n), tail)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, failureTail, fc.nat(25), part)
      .map(([n, tail, bytes, data]) => nativeFrame(0x35, uint32(n), tail, Uint8Array.of(0, bytes), data)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(position, position, position, position)
      .map((all) => nativeFrame(0x02, ...all.flatMap((low) => [uint32(0), uint32(low)]))),
  },
  { weight: 3, arbitrary: fc.nat().map((token) => nativeFrame(0x04, uint32(token))) },
  { weight: 1, arbitrary: fc.constantFrom(0x03, 0x05, 0x06).map((kind) => nativeFrame(kind, uint32(7))) },
  { weight: 1, arbitrary: fc.constantFrom(0x03, 0x06).map((kind) => nativeFrame(kind)) },
);
const frame = fc.oneof(
  { weight: 12, arbitrary: formed },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.oneof(fc.constantFrom(...kinds), fc.nat(255)), small)
      .map(([kind, body]) => nativeFrame(kind, body)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(formed, damage).map(([good, change]) => damaged(good.subarray(0, 200), [change])),
  },
);

/** The records of these frames, numbered from the one behind the hello. A record is as large as it may be, or smaller. */
function recordsOf({ peer }: NativePath, list: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  return list.map((frames, index) => {
    const bytes = concat(...frames).subarray(0, maxRecordBytes);
    return peer.record(1 + index, bytes.length < frameHeaderBytes ? zeros(frameHeaderBytes) : bytes);
  });
}

const runs = fc.array(fc.array(frame, { minLength: 1, maxLength: 4 }), { maxLength: 5 });

function anyFrames(path: NativePath): Target {
  return target(
    `native ${nameOf(path)}: any frames end in a documented code, at the same place however they are cut`,
    60,
    fc.tuple(runs, fc.array(damage, { maxLength: 2 }), scaledCuttings, fc.boolean()),
    ([list, damages, cutting, isDamaged]) => {
      const good = concat(...recordsOf(path, list));
      const bytes = isDamaged ? damaged(good, damages) : good;
      const hear = (cut: Cutting): string =>
        DrivenNative.open(path).receiveAll(cut(bytes)).receiveEnd().story();
      const expected = hear(whole);
      assert.match(expected, /^closed/m);
      assert.equal(hear(cutting), expected);
      if (bytes.length <= 200) assert.equal(hear(byteAtATime), expected);
    },
  );
}

type RecordDamage = "flip" | "cut" | "replay" | "swap" | "drop" | "insert" | "back";
const recordDamage = fc.record({
  kind: fc.constantFrom<RecordDamage>("flip", "cut", "replay", "swap", "drop", "insert", "back"),
  at: fc.nat(),
  which: fc.nat(),
});

function damageRecords(
  records: readonly Uint8Array[],
  { kind, at, which }: { kind: RecordDamage; at: number; which: number },
  own: Uint8Array,
): Uint8Array[] {
  const list = [...records];
  const index = at % list.length;
  const chosen = list[index] as Uint8Array;
  const other = which % list.length;
  switch (kind) {
    case "flip":
      list[index] = flipBit(chosen, which % (chosen.length * 8));
      break;
    case "cut":
      list[index] = chosen.subarray(0, which % chosen.length);
      break;
    case "replay":
      list.splice(other, 0, chosen);
      break;
    case "swap":
      [list[index], list[other]] = [list[other] as Uint8Array, chosen];
      break;
    case "drop":
      list.splice(index, 1);
      break;
    case "insert":
      list.splice(index, 0, pattern(which % 60, at % 256));
      break;
    default:
      list.splice(index, 0, own);
  }
  return list;
}

/** The records that stand where they belong, from the first. */
function sound(records: readonly Uint8Array[], arrived: Uint8Array): number {
  let [count, at] = [0, 0];
  for (const record of records) {
    if (Buffer.compare(arrived.subarray(at, at + record.length), record) !== 0) break;
    at += record.length;
    count += 1;
  }
  return count;
}

function damagedRecords(path: NativePath): Target {
  const record = fc.tuple(fc.nat(40), fc.boolean());
  return target(
    `native ${nameOf(path)}: of records that are changed, cut, repeated, moved or dropped, those before are delivered and none after`,
    100,
    fc.tuple(
      fc.array(record, { minLength: 1, maxLength: 24 }),
      fc.array(recordDamage, { minLength: 1, maxLength: 2 }),
      scaledCuttings,
    ),
    ([list, damages, cutting]) => {
      const told = list.map(([bytes], index) => `message ${index + 1} ${digestOf(pattern(bytes, index))}`);
      const records = list.map(([bytes, alone], index) => {
        const message = nativeFrame(0x10, uint32(index + 1), pattern(bytes, index));
        return path.peer.record(1 + index, message, ...(alone ? [] : [nativeFrame(0x03)]));
      });
      const own = DrivenNative.open(path);
      own.session?.send(1, pattern(5));
      const sentBack = own.written();
      const changed = damages.reduce((now: Uint8Array[], one) => {
        return now.length === 0 ? now : damageRecords(now, one, sentBack);
      }, records);
      const arrived = concat(...changed);
      const driven = DrivenNative.open(path).receiveAll(cutting(arrived)).receiveEnd();
      const expected = told.slice(0, sound(records, arrived));
      assert.deepEqual(driven.events.slice(0, -1), expected);
      assert.match(driven.events.at(-1) as string, /^closed ERR_/);
    },
  );
}

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: "grapheme", maxLength: 30 }));
const uint = fc.oneof(fc.constantFrom(0, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat());
const engine = fc.oneof(
  fc.constantFrom(0, 1, 2, 3).map((kind) => Uint8Array.of(kind)),
  fc
    .tuple(fc.constantFrom(1, 2), fc.constantFrom(15, 16, 55, 56, 71, 72, 73))
    .map(([kind, bytes]) => concat(Uint8Array.of(kind), zeros(bytes))),
  fc.uint8Array({ maxLength: 80 }),
);
const helloBody = fc
  .tuple(fc.tuple(uint, uint, uint, uint, uint), fc.tuple(text, text, text), engine)
  .map(([numbers, texts, rest]) =>
    concat(
      ...numbers.map(uint32),
      ...texts.map((given) => Buffer.from(given)).flatMap((bytes) => [Uint8Array.of(bytes.length), bytes]),
      rest,
    ),
  );
const good = fc.constantFrom(65_536, 0x7fff_ffff, 1_000_000);
const soundBody = fc
  .tuple(helloBody, good, good, good)
  .map(([body, ...windows]) => concat(body.subarray(0, 4), ...windows.map(uint32), body.subarray(16)));
const anyHello = fc.tuple(fc.oneof(helloBody, soundBody, soundBody), fc.array(damage, { maxLength: 2 }));

function hellos(path: NativePath): Target {
  const from = path.role === "client" ? "server" : "client";
  return target(
    `native ${nameOf(path)}: any hello opens the engine and means what it says, or ends it in a documented code`,
    80,
    fc.tuple(anyHello, fc.boolean(), scaledCuttings),
    ([[sent, damages], isDamaged, cutting]) => {
      const body = (isDamaged ? damaged(sent, damages) : sent).subarray(0, 65_000);
      const record = path.peer.record(0, nativeFrame(0x01, body));
      const driven = new DrivenNative(path).receiveAll(cutting(record));
      if (driven.events.length === 0) assert.fail("it waits for more than there is");
      if (driven.events[0] !== "open") {
        assert.match(driven.events.join(), /^closed ERR_(FRAME_INVALID|AUTHENTICATION_FAILED)$/);
        // A server tells its client so, with a hello of its own.
        assert.equal(driven.written().length > 0, path.role === "server");
        return;
      }
      const hello = decodeNativeHello(body, from);
      const again = encodeNativeHello(hello).subarray(frameHeaderBytes);
      assert.equal(Buffer.compare(again, body.subarray(0, again.length)), 0);
      assert.match(driven.receiveEnd().events.join(), /^open,closed ERR_CONNECTION_LOST$/);
    },
  );
}

function nameOf({ role, encrypted }: NativePath): string {
  return `${role}, ${encrypted ? "sealed" : "plain"}`;
}

export const nativeFrameTargets: readonly Target[] = [
  ...nativePaths.map(anyFrames),
  ...nativePaths.filter(({ encrypted }) => encrypted).map(damagedRecords),
  ...nativePaths.map(hellos),
];
