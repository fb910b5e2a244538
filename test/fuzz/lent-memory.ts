import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeCrypto } from "#dist/crypto/node.js";
import { NativeProfile } from "#dist/protocol/native/profile.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { RecordReader, RecordWriter } from "#dist/protocol/native/wire/record.js";
import { pattern } from "../support/bytes.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Target, target } from "./target.ts";

const limits = { maxMessageBytes: 1_000_000, windows: [2_000_000, 2_000_000, 2_000_000] } as const;
const sessions = 3;
const firstMark = 0x41;

/** What a transport has been given, and what it was then. It may be read at any time, also once the transport has ended. */
interface Held {
  readonly parts: readonly Uint8Array[];
  readonly copies: readonly Uint8Array[];
}

/** A session whose transport lets go of nothing unless it is told, and whose peer acknowledges what it likes. */
class Sender {
  readonly #session = new NativeSession(limits);
  readonly #encrypted: boolean;
  readonly #mark: number;
  /** Of transports that have ended with it. */
  readonly #left: Held[] = [];
  #held: Held | undefined;
  #profile: NativeProfile;
  #id = 0;

  constructor(mark: number, encrypted: boolean) {
    this.#mark = mark;
    this.#encrypted = encrypted;
    this.#profile = this.#connect();
  }

  send(lane: number, bytes: number): void {
    const data = new Uint8Array(bytes).fill(this.#mark);
    this.#id += 1;
    if (lane === 0) this.#session.send(1, data);
    else if (lane === 1) this.#session.request(1, data);
    else this.#session.outgoing.answer(this.#id, data);
  }

  /** Hands the next write to the transport, if that has let go of the last. */
  write(): void {
    if (this.#held !== undefined) return;
    const parts = this.#profile.takeOutput();
    if (!this.#encrypted) for (const part of parts) this.#checkOwn(part);
    if (parts.length > 0) this.#held = { parts, copies: parts.map((part) => Uint8Array.from(part)) };
    this.#profile.prepareOutput();
  }

  drain(): void {
    if (this.#held === undefined) return;
    checkUnchanged(this.#held);
    this.#held = undefined;
    this.#profile.returnOutput();
  }

  acknowledge(): void {
    const { messages, requests, answers } = this.#session.outgoing;
    this.#session.outgoing.acknowledge([messages.sentPosition, requests.sentPosition, answers.sentPosition]);
  }

  /** The transport ends with what it has, and the session goes on from where the peer wants. */
  lose(fromStart: boolean): void {
    if (this.#held !== undefined) this.#left.push(this.#held);
    this.#held = undefined;
    this.#profile.finish(false);
    this.#profile = this.#connect();
    const { outgoing } = this.#session;
    const [messages, requests, answers] = outgoing.lanes.map(({ acknowledged, sentPosition }) =>
      fromStart ? acknowledged : sentPosition,
    ) as [number, number, number];
    outgoing.rewind([messages, requests, answers]);
  }

  /** What a transport has once, it may read at last. */
  check(): void {
    if (this.#held !== undefined) checkUnchanged(this.#held);
    for (const held of this.#left) checkUnchanged(held);
  }

  /** Data are runs of their session's mark: none of another's is ever handed to a transport of this one. */
  #checkOwn(part: Uint8Array): void {
    for (let mark = firstMark; mark < firstMark + sessions; mark++) {
      if (mark === this.#mark) continue;
      const run = Buffer.alloc(32, mark);
      assert.equal(Buffer.from(part.buffer, part.byteOffset, part.length).indexOf(run), -1, "foreign data");
    }
  }

  #connect(): NativeProfile {
    const keys = () =>
      this.#encrypted ? { trafficSecret: pattern(32, this.#mark), crypto: nodeCrypto } : undefined;
    this.#session.attach(limits, undefined);
    return new NativeProfile({
      encrypted: this.#encrypted,
      session: this.#session,
      clock: new FakeClock(),
      frameTimeoutMs: 1e9,
      reader: new RecordReader(keys()),
      writer: new RecordWriter(keys()),
      keepalive: { keepaliveIntervalMs: 1e9, keepaliveTimeoutMs: 1e9 },
    });
  }
}

function checkUnchanged({ parts, copies }: Held): void {
  parts.forEach((part, index) => {
    assert.equal(Buffer.compare(part, copies[index] as Uint8Array), 0, "it has changed under the transport");
  });
}

type Step = (senders: readonly Sender[]) => void;

const which = fc.nat(sessions - 1);
const of = (act: (sender: Sender) => void) =>
  which.map<Step>((index) => (senders) => act(senders[index] as Sender));
const size = fc.oneof(
  { weight: 3, arbitrary: fc.nat(100) },
  { weight: 4, arbitrary: fc.integer({ min: 16_300, max: 17_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 130_000, max: 150_000 }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(which, fc.nat(2), size).map<Step>(
      ([index, lane, bytes]) =>
        (senders) =>
          (senders[index] as Sender).send(lane, bytes),
    ),
  },
  { weight: 5, arbitrary: of((sender) => sender.write()) },
  { weight: 3, arbitrary: of((sender) => sender.drain()) },
  { weight: 3, arbitrary: of((sender) => sender.acknowledge()) },
  {
    weight: 2,
    arbitrary: fc.tuple(which, fc.boolean()).map<Step>(
      ([index, fromStart]) =>
        (senders) =>
          (senders[index] as Sender).lose(fromStart),
    ),
  },
);

export const lentMemoryTargets: readonly Target[] = [false, true].map((encrypted) =>
  target(
    `what a transport has: nobody writes to it or frees it, whatever becomes of the connection and whatever its peer acknowledges, ${encrypted ? "sealed" : "plain"}`,
    100,
    fc.array(step, { minLength: 5, maxLength: 40 }),
    (steps) => {
      const senders = Array.from(
        { length: sessions },
        (_, index) => new Sender(firstMark + index, encrypted),
      );
      for (const act of steps) act(senders);
      for (const sender of senders) sender.check();
    },
  ),
);
