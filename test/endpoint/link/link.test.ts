import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Message } from "sealpipe";
import type { EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import { Handlers } from "#dist/endpoint/handlers.js";
import { Link } from "#dist/endpoint/link/link.js";
import { closedError } from "#dist/endpoint/reading/inbox.js";
import { ReadQuota } from "#dist/endpoint/reading/read-quota.js";
import type { IncomingRequest } from "#dist/endpoint/requests/request.js";
import type { StreamHandler } from "#dist/endpoint/streams/handled-streams.js";
import { ClassicProfile } from "#dist/protocol/classic/profile.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { hex, pattern, toHex } from "../../support/bytes.ts";
import { nativeDefaults, thrownCode } from "../../support/engine-probe.ts";
import { lent } from "../../support/memory.ts";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";
import { handling } from "../../support/request-wires.ts";
import { isSettled } from "../../support/waiting.ts";

const limits = { maxMessageBytes: 1_000, windows: nativeDefaults.windows };

/** Keeps what it is asked for. */
class RecordingDriver {
  canSend = true;
  queuedBytes = 7;
  calls: string[] = [];

  flushSoon(): void {
    this.calls.push("flush");
  }

  lookSoon(): void {
    this.calls.push("look");
  }
}

function nativeSession(peersMaxMessageBytes = 1_000, resumable = false): NativeSession {
  const session = new NativeSession(limits);
  const identity = resumable ? { id: pattern(16), resumptionKey: pattern(32) } : undefined;
  session.attach({ ...limits, maxMessageBytes: peersMaxMessageBytes }, identity);
  return session;
}

const streaming = {
  streamHandlers: new Handlers<StreamHandler>("streams"),
  maxConcurrentStreams: 1,
  makeStream: () => assert.fail("no stream is opened here"),
};

function classicSession(peerMaxMessageBytes = 1_000): ClassicProfile {
  return new ClassicProfile({ maxMessageBytes: 1_000, peerMaxMessageBytes, records: undefined });
}

function setUp({ queuesOffline = true, maxQueuedBytes = 100_000, handlers = {} } = {}) {
  const quota = new ReadQuota(1_000);
  let kept = 0;
  const link = new Link({
    ...handling({ handlers }),
    ...limits,
    ...streaming,
    requestTimeoutMs: 0,
    quota,
    maxQueuedBytes,
    queuesOffline,
    keepsMore: () => kept++,
  });
  const driver = new RecordingDriver();
  return { quota, link, driver, asDriver: driver as unknown as EngineDriver, kept: () => kept };
}

/** Lets everything leave that the windows allow. */
function sendAll({ outgoing }: NativeSession): void {
  for (const lane of outgoing.lanes) while (lane.nextBytes > 0) lane.take();
}

/** The peer asks; returns the request's event. */
function ask(session: NativeSession, id: number, type = 5) {
  const frame = nativeFrame("request", [id, type]);
  const event = session.incoming.receive(lent(frame), 0, frame.length);
  assert.ok(event?.kind === "request");
  return event;
}

const content = ({ type, data }: { type: number; data: Uint8Array }): string => `${type}: ${toHex(data)}`;

/** What a message and a request of one byte add to their lanes' positions. */
const messageWeight = weightOf(nativeFrame("message", [5], hex("01")));
const requestWeight = weightOf(nativeFrame("request", [1, 5], hex("01")));

describe("a link without a connection", () => {
  test("has what is said wait, if it may", async () => {
    const { link } = setUp();
    assert.equal(link.canSend, false);
    assert.equal(link.isConnected, false);
    assert.equal(link.queuedBytes, 0);
    link.write(5, hex("01"));
    const asked = link.request(6, hex("02"));
    assert.equal(link.canSend, true);
    assert.equal(link.isConnected, false);
    assert.equal(link.queuedBytes, messageWeight + requestWeight);
    assert.equal(await isSettled(link.flush()), false);
    const flushed = link.flush();
    link.end(closedError());
    await assert.rejects(asked, { code: "ERR_CLOSED" });
    await assert.rejects(flushed, { code: "ERR_CLOSED" });
    assert.equal(link.queuedBytes, 0);
    assert.equal(link.session, undefined);
  });

  test("refuses it at once if it may not wait, or nobody could send it", async () => {
    const { link } = setUp({ queuesOffline: false });
    assert.equal(
      thrownCode(() => link.write(5, hex("01"))),
      "ERR_CLOSED",
    );
    await assert.rejects(link.request(5, hex("01")), { code: "ERR_CLOSED" });
    const waiting = setUp().link;
    assert.equal(
      thrownCode(() => waiting.write(0, hex(""))),
      "ERR_RESERVED_TYPE",
    );
    assert.equal(
      thrownCode(() => waiting.write(5, pattern(1_001))),
      "ERR_MESSAGE_TOO_LARGE",
    );
    await assert.rejects(waiting.request(5, pattern(1_001)), { code: "ERR_MESSAGE_TOO_LARGE" });
    assert.equal(waiting.queuedBytes, 0);
  });

  test("drops what belongs to requests of nobody", () => {
    const { link } = setUp();
    link.answer(1, hex(""));
    link.fail(1, { code: "NO", message: "" });
    link.cancel(1);
    link.consumed(5);
    assert.equal(link.queuedBytes, 0);
    assert.equal(link.congested, false);
  });

  test("bounds messages and requests each by themselves", async () => {
    const { link } = setUp({ maxQueuedBytes: 800 });
    assert.equal(link.write(1, pattern(10)), undefined);
    const room = link.write(1, pattern(700));
    assert.ok(room instanceof Promise);
    assert.equal(
      thrownCode(() => link.write(1, pattern(10))),
      "ERR_QUEUE_FULL",
    );
    const asked = link.request(1, pattern(800));
    await assert.rejects(link.request(1, pattern(1)), { code: "ERR_QUEUE_FULL" });
    link.end(closedError());
    await room;
    await assert.rejects(asked, { code: "ERR_CLOSED" });
  });
});

describe("a link with a classic connection", () => {
  test("sends by it, has no requests, and counts what its transport has", async () => {
    const { link, driver, asDriver } = setUp();
    const session = classicSession();
    assert.equal(link.attach(asDriver, session), undefined);
    assert.equal(link.isConnected, true);
    link.write(5, hex("01"));
    assert.deepEqual(driver.calls, ["flush"]);
    assert.equal(session.queuedBytes, 9);
    assert.equal(link.queuedBytes, 7);
    assert.equal(link.native, undefined);
    await assert.rejects(link.request(5, hex("")), { code: "ERR_PEER_NOT_NATIVE" });
  });

  test("sends by it first what had waited, and says what it cannot send", async () => {
    const { link, driver, asDriver } = setUp();
    link.write(1, hex("01"));
    link.write(2, pattern(101));
    const asked = link.request(5, hex("02"));
    link.write(3, hex("03"));
    const session = classicSession(100);
    const carried = link.attach(asDriver, session);
    const plain = [1, 3].map((type) => `00 00 00 05 00 00 00 0${type} 0${type}`.replaceAll(" ", ""));
    assert.equal(toHex(session.takeOutput()[0] ?? hex("")).replaceAll(" ", ""), plain.join(""));
    assert.deepEqual(driver.calls, ["flush"]);
    assert.deepEqual(carried?.lost.messages, []);
    assert.equal(carried?.wasResumable, false);
    assert.deepEqual(
      carried?.messageErrors.map((error) => (error as { code: string }).code),
      ["ERR_TOO_LARGE_FOR_PEER"],
    );
    await assert.rejects(asked, { code: "ERR_PEER_NOT_NATIVE" });
  });

  test("has a message consumed without troubling anybody but the quota", () => {
    const { link, driver, asDriver, quota } = setUp();
    link.attach(asDriver, classicSession());
    const message = new Message(5, hex("01"));
    link.queued(message);
    assert.equal(quota.bytes, 257);
    link.taken(message, link.session, 0);
    link.passed(link.session, 0);
    assert.equal(quota.bytes, 0);
    link.queued(message);
    link.dropped(message);
    assert.equal(quota.bytes, 0);
    assert.deepEqual(driver.calls, []);
  });

  test("that is gone has what is said wait again, and its flushes fail", async () => {
    const { link, asDriver } = setUp();
    link.attach(asDriver, classicSession());
    link.write(4, hex("01"));
    const flushed = link.flush();
    const error = new Error("lost");
    assert.deepEqual(link.lose(error)?.lost.messages, []);
    await assert.rejects(flushed, error);
    assert.equal(link.driver, undefined);
    assert.equal(link.canSend, false);
    link.write(5, hex("01"));
    assert.equal(link.queuedBytes, messageWeight);
    assert.equal(link.lose(error), undefined, "what waits for the next stays");
    assert.equal(link.queuedBytes, messageWeight);
  });
});

describe("a link with a native connection", () => {
  test("says all by its session, and has the driver send it", async () => {
    const { link, driver, asDriver } = setUp({ handlers: { 5: () => new Promise(() => {}) } });
    const session = nativeSession();
    link.attach(asDriver, session);
    assert.equal(link.native, session);
    link.write(5, hex("01"));
    const asked = link.request(5, hex("02"));
    for (const id of [2, 3]) link.received(ask(session, id));
    assert.deepEqual(driver.calls, ["flush", "flush", "look", "look"]);
    driver.calls = [];
    link.answer(2, hex("03"));
    link.fail(3, { code: "NO", message: "no" });
    link.cancel(1);
    assert.deepEqual(driver.calls, Array(3).fill("flush"));
    assert.equal(link.queuedBytes, session.queuedBytes);
    assert.equal(session.outgoing.unsentBytes, session.queuedBytes);
    void link.flush().catch(() => {});
    assert.equal(session.wantsAcknowledgement, true);
    assert.equal(driver.calls.at(-1), "look");
    link.end(closedError());
    await assert.rejects(asked, { code: "ERR_CLOSED" });
  });

  test("is congested while more than a MiB of answers waits", () => {
    const { link, asDriver } = setUp();
    const session = nativeSession();
    link.attach(asDriver, session);
    const answer = (count: number): void => {
      for (let id = 1; id <= count; id++) {
        ask(session, id);
        link.answer(id, pattern(900));
      }
    };
    answer(1_000);
    assert.equal(link.congested, false);
    answer(200);
    assert.equal(link.congested, true);
  });

  test("has what is consumed acknowledged, with a connection or without", () => {
    const { link, driver, asDriver, quota } = setUp();
    const session = nativeSession();
    link.attach(asDriver, session);
    const frame = nativeFrame("message", [5], hex("01"));
    const receive = () => {
      const event = session.incoming.receive(lent(frame), 0, frame.length);
      assert.ok(event?.kind === "message");
      return event.position;
    };
    const message = new Message(5, hex("01"));
    link.queued(message);
    const [first, second] = [receive(), receive()];
    link.taken(message, session, first);
    assert.equal(quota.bytes, 0);
    assert.deepEqual(driver.calls, ["look"]);
    assert.deepEqual(session.incoming.acknowledge(), [messageWeight, 0, 0]);
    link.detach();
    link.passed(session, second);
    assert.deepEqual(session.incoming.acknowledge(), [2 * messageWeight, 0, 0]);
    assert.deepEqual(driver.calls, ["look"]);
  });

  test("counts what came by an earlier session for that one", () => {
    const { link, asDriver } = setUp();
    const before = nativeSession();
    link.attach(asDriver, before);
    const next = nativeSession();
    link.attach(asDriver, next);
    const frame = nativeFrame("message", [5], hex("01"));
    const event = before.incoming.receive(lent(frame), 0, frame.length);
    assert.ok(event?.kind === "message");
    link.passed(before, event.position);
    assert.equal(next.incoming.hasNews, false);
    assert.equal(before.incoming.allConsumed, true);
  });

  test("has each part of a request reach what waits for it", async () => {
    const aborted: unknown[] = [];
    const { link, asDriver } = setUp({
      handlers: {
        5: ({ signal }: { signal: AbortSignal }) => {
          signal.addEventListener("abort", () => aborted.push(signal.reason));
          return new Promise(() => {});
        },
      },
    });
    const session = nativeSession();
    link.attach(asDriver, session);
    const asked = [link.request(1, ""), link.request(2, "")] as const;
    link.received({ kind: "answer", id: 1, data: hex("68 69") });
    link.received({ kind: "failure", id: 2, code: "NO", message: "no" });
    assert.equal((await asked[0]).text, "hi");
    await assert.rejects(asked[1], { code: "NO" });
    link.received(ask(session, 7));
    link.received({ kind: "cancel", id: 7 });
    assert.equal(aborted.length, 1);
    link.end(closedError());
  });
});

describe("a session that outlives its connection", () => {
  test("takes what is said meanwhile, says that more is kept, and goes on by the next connection", async () => {
    const { link, driver, asDriver, kept } = setUp({ queuesOffline: false });
    const session = nativeSession(1_000, true);
    link.attach(asDriver, session);
    link.detach();
    assert.equal(link.isConnected, false);
    assert.equal(link.canSend, true);
    assert.equal(kept(), 0);
    link.write(5, hex("01"));
    assert.equal(kept(), 1);
    ask(session, 1);
    link.answer(1, hex("02"));
    assert.equal(kept(), 2);
    const flushed = link.flush();
    assert.deepEqual(driver.calls, []);
    assert.equal(session.queuedMessageBytes, messageWeight);
    assert.equal(link.attach(asDriver, session), undefined);
    assert.equal(await isSettled(flushed), false);
    link.end(closedError());
    await assert.rejects(flushed, { code: "ERR_CLOSED" });
  });

  test("rejects what it is asked once it is given up because of that", async () => {
    const quota = new ReadQuota(1_000);
    const link: Link<IncomingRequest> = new Link({
      ...handling(),
      ...limits,
      ...streaming,
      requestTimeoutMs: 0,
      quota,
      maxQueuedBytes: 100_000,
      queuesOffline: false,
      keepsMore: () => void link.end(closedError()),
    });
    link.attach(new RecordingDriver() as unknown as EngineDriver, nativeSession(1_000, true));
    link.detach();
    await assert.rejects(link.request(1, pattern(10)), { code: "ERR_CLOSED" });
  });

  test("leaves to the next one what was not sent, and says what was", async () => {
    const { link, driver, asDriver } = setUp();
    const before = nativeSession(1_000, true);
    link.attach(asDriver, before);
    link.write(1, hex("01"));
    const sent = link.request(5, hex("0a"));
    const flushed = link.flush();
    sendAll(before);
    link.write(2, hex("02"));
    const unsent = link.request(5, hex("0b"));
    const { signal } = new AbortController();
    const controller = new AbortController();
    const givenUp = link.request(5, hex("0c"), { signal: controller.signal });
    const last = link.request(5, hex("0d"), { signal });
    controller.abort();
    await assert.rejects(givenUp, { name: "AbortError" });
    link.detach();
    driver.calls = [];
    const next = nativeSession();
    const carried = link.attach(asDriver, next);
    assert.equal(carried?.wasResumable, true);
    assert.deepEqual(carried?.lost.messages.map(content), ["1: 01"]);
    assert.deepEqual(carried?.messageErrors, []);
    await assert.rejects(sent, { code: "ERR_SESSION_LOST" });
    await assert.rejects(flushed, { code: "ERR_SESSION_LOST" });
    assert.deepEqual([...new Set(driver.calls)], ["flush"]);
    sendAll(next);
    for (const [id, data] of [
      [1, hex("31")],
      [2, hex("32")],
    ] as const) {
      const frame = nativeFrame("answer", [id], data);
      const event = next.incoming.receive(lent(frame), 0, frame.length);
      assert.ok(event?.kind === "answer");
      link.received(event);
    }
    assert.deepEqual([(await unsent).text, (await last).text], ["1", "2"]);
    assert.deepEqual(next.abandon().unacknowledged.map(content), ["2: 02"]);
  });

  test("leaves to the next one what that takes, and says what it does not", async () => {
    const { link, asDriver } = setUp();
    link.attach(asDriver, nativeSession(1_000, true));
    link.write(1, pattern(20));
    link.write(2, hex("02"));
    const asked = link.request(5, pattern(20));
    const carried = link.attach(asDriver, nativeSession(10));
    assert.equal(carried?.messageErrors.length, 1);
    await assert.rejects(asked, { code: "ERR_TOO_LARGE_FOR_PEER" });
    assert.equal(link.queuedBytes, messageWeight);
  });

  test("that is over leaves what was not sent to wait for another, if it may", async () => {
    const { link, asDriver } = setUp();
    const before = nativeSession(1_000, true);
    link.attach(asDriver, before);
    link.write(1, hex("01"));
    const asked = link.request(1, hex("01"));
    sendAll(before);
    link.write(2, hex("02"));
    const later = link.request(2, hex("02"));
    const carried = link.lose(new Error("lost"));
    assert.deepEqual(carried?.lost.messages.map(content), ["1: 01"]);
    await assert.rejects(asked, { code: "ERR_SESSION_LOST" });
    assert.equal(await isSettled(later), false);
    assert.equal(link.queuedBytes, messageWeight + requestWeight);
    assert.notEqual(link.session, before);
    link.end(closedError());
    await assert.rejects(later, { code: "ERR_CLOSED" });
    const strict = setUp({ queuesOffline: false });
    strict.link.attach(strict.asDriver, nativeSession(1_000, true));
    strict.link.write(2, hex("02"));
    assert.equal(strict.link.lose(new Error("lost"))?.messageErrors.length, 1);
    assert.equal(strict.link.queuedBytes, 0);
  });
});
