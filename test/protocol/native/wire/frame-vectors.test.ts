import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lengthBytes } from "#dist/protocol/length-prefix.js";
import { NativeProfile } from "#dist/protocol/native/profile.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { frameHeaderBytes, frameKinds } from "#dist/protocol/native/wire/frame.js";
import { RecordReader, RecordWriter } from "#dist/protocol/native/wire/record.js";
import type { ProfileEvent } from "#dist/protocol/profile.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, hex, pattern, toHex } from "../../../support/bytes.ts";
import { closeStart } from "../../../support/close-start.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { sessionOfAnyIds } from "../../../support/incoming.ts";
import { nativeFrame, nativeRecord } from "../../../support/native-raw-peer.ts";
import { type NativeFrameVector, nativeFrames, type Saying } from "../../../support/vectors.ts";

const compact = (bytes: Uint8Array) => toHex(bytes).replaceAll(" ", "");
const keepaliveIntervalMs = 1_000;

/** One end of an open connection without encryption, whose peer is the vector. */
class End {
  readonly clock = new FakeClock();
  readonly session: NativeSession;
  readonly profile: NativeProfile;
  readonly #input = new ReceiveBuffer();

  constructor() {
    const limits = { maxMessageBytes: 3_145_728, windows: [8_388_608, 2_097_152, 2_097_152] } as const;
    this.session = sessionOfAnyIds(limits);
    this.session.attach(limits, undefined);
    this.profile = new NativeProfile({
      session: this.session,
      reader: new RecordReader(),
      writer: new RecordWriter(),
      encrypted: false,
      keepalive: { keepaliveIntervalMs, keepaliveTimeoutMs: 1_000 },
      frameTimeoutMs: 1e9,
      clock: this.clock,
    });
  }

  receive(...records: Uint8Array[]): ProfileEvent[] {
    for (const record of records) this.#input.push(record);
    const events: ProfileEvent[] = [];
    for (let event = this.profile.receive(this.#input); event !== undefined; ) {
      events.push(event);
      event = this.profile.receive(this.#input);
    }
    return events;
  }

  /** Everything that is written now. */
  write(): Uint8Array {
    const writes: Uint8Array[] = [];
    for (let write = this.profile.takeOutput(); write.length > 0; write = this.profile.takeOutput())
      writes.push(concat(...write));
    return concat(...writes);
  }

  pass(ms: number): void {
    this.clock.advance(ms);
    this.profile.handleTimeout(this.clock.now());
  }

  say(what: Saying): void {
    const { session, profile } = this;
    const id = what.id ?? 0;
    switch (what.kind) {
      case "message":
        session.send(what.type ?? 0, dataOf(what));
        return;
      case "request":
        session.outgoing.request(id, { type: what.type ?? 0, data: dataOf(what) });
        return;
      case "answer":
        session.answer(id, dataOf(what));
        return;
      case "failure":
        session.fail(id, { code: what.code ?? "", message: what.message ?? "" });
        return;
      case "cancel":
        session.cancel(id);
        return;
      case "ping":
        this.pass(keepaliveIntervalMs);
        return;
      case "pong":
        this.receive(nativeRecord(nativeFrame(frameKinds.ping, hex("ff ff ff ff"))));
        return;
      case "close":
        profile.close(closeStart);
        return;
      default:
        assert.fail(`there is no way to say ${what.kind}`);
    }
  }
}

function dataOf({ data, dataPattern }: Saying): Uint8Array {
  return dataPattern === undefined ? hex(data ?? "missing") : pattern(dataPattern.bytes, dataPattern.seed);
}

function recordsOf({ frames, record }: NativeFrameVector): Uint8Array[] {
  if (record !== undefined) return [hex(record)];
  assert.ok(frames);
  return frames.map(({ head, tailPattern, tailStart = 0 }) => {
    if (tailPattern === undefined) return nativeRecord(hex(head));
    const { bytes, seed } = tailPattern;
    return nativeRecord(hex(head), pattern(tailStart + bytes, seed).subarray(tailStart));
  });
}

/** What an event says, in the vectors' words. */
function sayingOf(event: ProfileEvent): Record<string, unknown> {
  if (event.kind === "peer-closed") return { kind: "close" };
  if (!("data" in event) || event.data === undefined) return { ...event };
  const { data, ...rest } = event;
  const { position: _, context: __, ...fields } = { position: 0, context: undefined, ...rest };
  return { ...fields, data: compact(data) };
}

function expected(what: Saying): Record<string, unknown> {
  const { dataPattern: _, ...rest } = what;
  if (what.kind === "failure") return { ...rest, message: what.message ?? "" };
  return "data" in what || "dataPattern" in what ? { ...rest, data: compact(dataOf(what)) } : { ...rest };
}

const said = nativeFrames.filter(({ says }) => says !== undefined) as (NativeFrameVector & {
  says: Saying;
})[];
const refused = nativeFrames.filter(({ outcome }) => outcome !== undefined);
const onConnection = ["acknowledge", "acknowledge-soon", "ping", "pong"];

describe("native-frames.json", () => {
  for (const vector of said.filter(({ says }) => !onConnection.includes(says.kind))) {
    test(`is read so: ${vector.name}`, () => {
      const events = new End().receive(...recordsOf(vector));
      assert.deepEqual(events.map(sayingOf), [expected(vector.says)]);
    });
  }

  for (const vector of said.filter(({ says, read }) => !says.kind.startsWith("ack") && read !== "only")) {
    test(`is written so: ${vector.name}`, () => {
      const end = new End();
      end.say(vector.says);
      assert.equal(Buffer.compare(end.write(), concat(...recordsOf(vector))), 0);
    });
  }

  for (const vector of said.filter(({ says }) => says.kind === "acknowledge")) {
    test(`is written and read so: ${vector.name}`, () => {
      const [sender, receiver] = [new End(), new End()];
      for (const what of vector.before ?? []) sender.say(what);
      for (const event of receiver.receive(sender.write()))
        if (event.kind === "message") receiver.profile.session.consumed("messages", event.position);
      assert.equal(receiver.write().length, 0);
      receiver.pass(20);
      const written = receiver.write();
      assert.equal(compact(written), compact(concat(...recordsOf(vector))));
      assert.ok(sender.session.queuedBytes > 0);
      assert.deepEqual(sender.receive(written), []);
      assert.equal(sender.session.queuedBytes, 0);
    });
  }

  for (const vector of said.filter(({ says }) => says.kind === "acknowledge-soon")) {
    test(`is written and read so: ${vector.name}`, () => {
      const [sender, receiver] = [new End(), new End()];
      sender.session.send(1, hex(""));
      sender.profile.session.askForAcknowledgement();
      const written = sender.write();
      const asks = compact(concat(...recordsOf(vector)).subarray(4));
      assert.ok(compact(written).endsWith(asks));
      assert.equal(receiver.write().length, 0);
      for (const event of receiver.receive(written))
        if (event.kind === "message") receiver.profile.session.consumed("messages", event.position);
      assert.equal(receiver.write()[4], frameKinds.acknowledge, "at once");
    });
  }

  for (const vector of said.filter(({ says }) => says.kind === "ping")) {
    test(`is answered: ${vector.name}`, () => {
      const end = new End();
      assert.deepEqual(end.receive(...recordsOf(vector)), []);
      const token = concat(...recordsOf(vector)).subarray(lengthBytes + frameHeaderBytes);
      assert.equal(compact(end.write()), compact(nativeRecord(nativeFrame(frameKinds.pong, token))));
    });
  }

  for (const vector of said.filter(({ says }) => says.kind === "pong")) {
    test(`is accepted: ${vector.name}`, () => {
      const end = new End();
      assert.deepEqual(end.receive(...recordsOf(vector)), []);
      assert.equal(end.write().length, 0);
    });
  }

  for (const vector of refused) {
    test(`comes to ${vector.outcome}: ${vector.name}`, () => {
      const end = new End();
      assert.equal(
        thrownCode(() => end.receive(...recordsOf(vector))),
        vector.outcome,
      );
    });
  }

  test("has every kind but those that have files of their own", () => {
    const kinds = new Set(said.flatMap(recordsOf).map((record) => record[4]));
    assert.deepEqual(
      [...kinds].toSorted(),
      Object.values(frameKinds)
        .filter((kind) => kind !== frameKinds.hello && kind !== frameKinds["failure-with-data"])
        .filter((kind) => kind !== frameKinds["request-context"] && kind !== frameKinds["admin-request"])
        .filter((kind) => kind < frameKinds["stream-open"])
        .toSorted(),
    );
  });
});
