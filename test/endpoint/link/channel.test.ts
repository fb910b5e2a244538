import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CallerError, Message } from "sealpipe";
import type { EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import { Channel } from "#dist/endpoint/link/channel.js";
import { ReadQuota } from "#dist/endpoint/reading/read-quota.js";
import type { NativeOpened } from "#dist/protocol/native/options.js";
import { Session, type SessionLimits } from "#dist/protocol/native/session.js";
import { hex, pattern, toHex } from "../../support/bytes.ts";
import { nativeDefaults, thrownCode } from "../../support/engine-probe.ts";
import { lent } from "../../support/memory.ts";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";

const limits: SessionLimits = { maxMessageBytes: 1_000, windows: nativeDefaults.windows };

/** Keeps what it is asked for, as text. */
class RecordingDriver {
  canSend = true;
  queuedBytes = 7;
  readonly calls: string[] = [];

  send(type: number, data: Uint8Array): void {
    if (data.length > 100) throw new CallerError("ERR_MESSAGE_TOO_LARGE", "too large");
    this.calls.push(`send ${type}: ${toHex(data)}`);
  }

  flushSoon(): void {
    this.calls.push("flush soon");
  }

  take(what: string, mark: number): void {
    this.calls.push(`take ${what} ${mark}`);
  }

  askForAcknowledgement(): void {
    this.calls.push("ask");
  }
}

const asDriver = (driver: RecordingDriver): EngineDriver => driver as unknown as EngineDriver;

function session(peersMaxMessageBytes = 1_000): Session {
  const made = new Session(limits);
  made.attach({ ...limits, maxMessageBytes: peersMaxMessageBytes }, undefined);
  return made;
}

const opened = (of: Session): NativeOpened => ({
  session: of,
  resumed: false,
  peer: nativeDefaults.self,
});

function setUp({ offline = true } = {}) {
  const quota = new ReadQuota(1_000);
  const channel = new Channel(quota, offline ? limits : undefined);
  const driver = new RecordingDriver();
  const classic = (): RecordingDriver => {
    channel.attach(asDriver(driver));
    return driver;
  };
  const native = (of = session()): { driver: RecordingDriver; session: Session } => {
    channel.attach(asDriver(driver), opened(of));
    return { driver, session: of };
  };
  return { quota, channel, driver, classic, native };
}

/** Lets everything leave that the windows allow. */
function sendAll({ outgoing }: Session): void {
  for (const lane of outgoing.lanes) while (lane.nextBytes > 0) lane.take();
}

const content = ({ type, data }: { type: number; data: Uint8Array }): string => `${type}: ${toHex(data)}`;

/** What a message and a request of one byte add to their lanes' positions. */
const messageWeight = weightOf(nativeFrame("message", [5], hex("01")));
const requestWeight = weightOf(nativeFrame("request", [1, 5], hex("01")));

describe("a channel without a connection", () => {
  test("has what is sent wait, where it may", () => {
    const { channel } = setUp();
    assert.equal(channel.canSend, false);
    assert.equal(channel.isConnected, false);
    assert.equal(channel.queuedBytes, 0);
    channel.send(5, hex("01"));
    channel.sendRequest(1, 6, hex("02"));
    assert.equal(channel.canSend, true);
    assert.equal(channel.isConnected, false);
    assert.equal(channel.queuedBytes, messageWeight + requestWeight);
    assert.equal(channel.queuedRequestBytes, requestWeight);
    channel.askForAcknowledgement();
  });

  test("refuses it at once, where it may not or nobody could send it", () => {
    const { channel } = setUp({ offline: false });
    assert.equal(
      thrownCode(() => channel.send(5, hex("01"))),
      "ERR_CLOSED",
    );
    assert.equal(
      thrownCode(() => channel.sendRequest(1, 5, hex("01"))),
      "ERR_CLOSED",
    );
    const waiting = setUp().channel;
    assert.equal(
      thrownCode(() => waiting.send(0, hex(""))),
      "ERR_RESERVED_TYPE",
    );
    assert.equal(
      thrownCode(() => waiting.send(5, pattern(1_001))),
      "ERR_MESSAGE_TOO_LARGE",
    );
    assert.equal(waiting.queuedBytes, 0);
  });

  test("drops what belongs to requests of nobody", () => {
    const { channel } = setUp();
    channel.sendAnswer(1, hex(""));
    channel.sendFailure(1, "NO", "");
    channel.sendCancel(1);
    channel.taken(5);
    assert.equal(channel.queuedBytes, 0);
    assert.equal(channel.congested, false);
  });

  test("forgets what waited where it is given up", () => {
    const { channel } = setUp();
    channel.send(5, hex("01"));
    channel.abandon();
    assert.equal(channel.queuedBytes, 0);
    assert.equal(channel.session, undefined);
    channel.abandon();
  });
});

describe("a channel with a classic connection", () => {
  test("sends by it, and has no requests", () => {
    const { channel, classic } = setUp();
    const driver = classic();
    assert.equal(channel.isConnected, true);
    channel.send(5, hex("01"));
    assert.deepEqual(driver.calls, ["send 5: 01"]);
    assert.equal(channel.queuedBytes, 7);
    assert.equal(
      thrownCode(() => channel.sendRequest(1, 5, hex(""))),
      "ERR_PEER_NOT_NATIVE",
    );
  });

  test("sends by it first what had waited; what it cannot is told", () => {
    const { channel, driver } = setUp();
    channel.send(1, hex("01"));
    channel.send(2, pattern(101));
    channel.sendRequest(7, 5, hex("02"));
    channel.send(3, hex("03"));
    const carried = channel.attach(asDriver(driver), undefined, new Map([[7, 0]]));
    assert.deepEqual(driver.calls, ["send 1: 01", "send 3: 03"]);
    assert.deepEqual(carried?.lostMessages, []);
    assert.deepEqual(
      carried?.messageErrors.map((error) => (error as CallerError).code),
      ["ERR_MESSAGE_TOO_LARGE"],
    );
    assert.deepEqual([...(carried?.requestErrors.keys() ?? [])], [7]);
    assert.deepEqual(carried?.unsentRequests, new Set([7]));
  });

  test("has a message taken without telling anybody but the quota", () => {
    const { channel, classic, quota } = setUp();
    const driver = classic();
    const { source } = channel;
    const message = new Message(5, hex("01"));
    source.queued(message);
    assert.equal(quota.bytes, 257);
    source.taken(message, 0);
    source.passed(0);
    assert.equal(quota.bytes, 0);
    assert.deepEqual(driver.calls, []);
  });

  test("that is gone has what is sent wait again", () => {
    const { channel, classic } = setUp();
    classic();
    assert.equal(channel.detach("over"), undefined);
    assert.equal(channel.driver, undefined);
    assert.equal(channel.canSend, false);
    channel.send(5, hex("01"));
    assert.equal(channel.queuedBytes, messageWeight);
  });
});

describe("a channel with a native connection", () => {
  test("sends through its session, and has the driver flush it", () => {
    const { channel, native } = setUp();
    const { driver, session } = native();
    channel.send(5, hex("01"));
    channel.sendRequest(1, 5, hex("02"));
    channel.sendAnswer(2, hex("03"));
    channel.sendFailure(3, "NO", "no");
    channel.sendCancel(4);
    assert.deepEqual(driver.calls, Array(5).fill("flush soon"));
    assert.equal(channel.queuedBytes, session.queuedBytes);
    assert.equal(session.outgoing.unsentBytes, session.queuedBytes);
    channel.askForAcknowledgement();
    assert.equal(driver.calls.at(-1), "ask");
  });

  test("is congested while more than a MiB of answers waits", () => {
    const { channel, native } = setUp();
    native();
    for (let count = 0; count < 1_000; count++) channel.sendAnswer(1, pattern(900));
    assert.equal(channel.congested, false);
    for (let count = 0; count < 200; count++) channel.sendAnswer(1, pattern(900));
    assert.equal(channel.congested, true);
  });

  test("has the driver tell what was taken, and the session keep it where there is none", () => {
    const { channel, native } = setUp();
    const { driver, session } = native();
    const message = new Message(5, hex("01"));
    const { source } = channel;
    source.queued(message);
    source.taken(message, messageWeight);
    source.passed(2 * messageWeight);
    channel.taken(requestWeight);
    assert.deepEqual(driver.calls, [
      `take messages ${messageWeight}`,
      `take messages ${2 * messageWeight}`,
      `take requests ${requestWeight}`,
    ]);
    const frame = nativeFrame("message", [5], hex("01"));
    const event = session.incoming.receive(lent(frame), 0, frame.length);
    assert.ok(event?.kind === "message");
    channel.detach("resumable");
    source.passed(event.mark);
    assert.equal(session.incoming.allTaken, true);
    assert.deepEqual(session.incoming.tell(), [messageWeight, 0, 0]);
  });

  test("tells nothing of what came by an earlier session", () => {
    const { channel, native, driver } = setUp();
    native();
    const { source } = channel;
    channel.attach(asDriver(driver), opened(session()));
    assert.notEqual(channel.source, source);
    source.passed(messageWeight);
    assert.deepEqual(driver.calls, []);
  });
});

describe("a session that outlives its connection", () => {
  test("takes what is sent meanwhile, and goes on by the next connection", () => {
    const { channel, native, driver } = setUp({ offline: false });
    const { session } = native();
    const { source } = channel;
    assert.equal(channel.detach("resumable"), undefined);
    assert.equal(channel.isConnected, false);
    assert.equal(channel.canSend, true);
    channel.send(5, hex("01"));
    assert.deepEqual(driver.calls, []);
    assert.equal(session.queuedBytes, messageWeight);
    assert.equal(channel.attach(asDriver(driver), { ...opened(session), resumed: true }), undefined);
    assert.equal(session.queuedBytes, messageWeight);
    assert.equal(channel.source, source);
  });

  test("leaves to the next one what was not sent, and tells what was", () => {
    const { channel, native, driver } = setUp();
    const { session: before } = native();
    channel.send(1, hex("01"));
    channel.sendRequest(1, 5, hex("0a"));
    sendAll(before);
    channel.send(2, hex("02"));
    channel.sendRequest(2, 5, hex("0b"));
    channel.sendRequest(3, 5, hex("0c"));
    channel.detach("resumable");
    const next = session(1_000);
    const carried = channel.attach(asDriver(driver), opened(next), new Map([[2, 0]]));
    assert.deepEqual(carried?.lostMessages.map(content), ["1: 01"]);
    assert.deepEqual(
      carried?.unsentRequests,
      new Set([2]),
      "of the third nobody waits for an answer any more",
    );
    assert.deepEqual(carried?.messageErrors, []);
    const { unsent, unsentRequests } = next.abandon();
    assert.deepEqual(unsent.map(content), ["2: 02"]);
    assert.deepEqual(unsentRequests, [{ id: 2, type: 5, data: hex("0b") }]);
  });

  test("leaves to the next one what that takes; the rest is told", () => {
    const { channel, native, driver } = setUp();
    native();
    channel.send(1, pattern(20));
    channel.send(2, hex("02"));
    channel.sendRequest(1, 5, pattern(20));
    const carried = channel.attach(asDriver(driver), opened(session(10)), new Map([[1, 0]]));
    assert.equal(carried?.messageErrors.length, 1);
    assert.deepEqual([...(carried?.requestErrors.keys() ?? [])], [1]);
    assert.equal(channel.queuedBytes, messageWeight);
  });

  test("that is over leaves what was not sent to wait for another, where it may", () => {
    const { channel, native } = setUp();
    const { session: before } = native();
    channel.send(1, hex("01"));
    sendAll(before);
    channel.send(2, hex("02"));
    const carried = channel.detach("over");
    assert.deepEqual(carried?.lostMessages.map(content), ["1: 01"]);
    assert.equal(channel.queuedBytes, messageWeight);
    assert.notEqual(channel.session, before);
    const strict = setUp({ offline: false });
    strict.native();
    strict.channel.send(2, hex("02"));
    assert.equal(strict.channel.detach("over")?.messageErrors.length, 1);
    assert.equal(strict.channel.queuedBytes, 0);
  });
});
