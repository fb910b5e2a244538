import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EngineDriver } from "#dist/endpoint/driver/engine-driver.js";
import { Channel } from "#dist/endpoint/link/channel.js";
import { Exchange } from "#dist/endpoint/link/exchange.js";
import { closedError } from "#dist/endpoint/reading/inbox.js";
import { ReadQuota } from "#dist/endpoint/reading/read-quota.js";
import { Session, type SessionLimits } from "#dist/protocol/native/session.js";
import { pattern } from "../../support/bytes.ts";
import { nativeDefaults, thrownCode } from "../../support/engine-probe.ts";
import { handling } from "../../support/request-wires.ts";
import { isSettled } from "../../support/waiting.ts";

const limits: SessionLimits = { maxMessageBytes: 1_000, windows: nativeDefaults.windows };
const idle = { canSend: true, queuedBytes: 0, flushSoon() {}, askForAcknowledgement() {} };
const driver = idle as unknown as EngineDriver;

/** One whose channel has messages and requests wait for a connection. */
function setUp() {
  const channel = new Channel(new ReadQuota(800), limits);
  const exchange = new Exchange(channel, { ...handling(), maxQueuedBytes: 800 });
  const openSession = (): Session => {
    const session = new Session(limits);
    session.attach(limits, undefined);
    exchange.attach(driver, { session, resumed: false, peer: nativeDefaults.self });
    return session;
  };
  return { channel, exchange, openSession };
}

describe("an exchange", () => {
  test("bounds messages and requests each by themselves", async () => {
    const { exchange } = setUp();
    assert.equal(exchange.write(1, pattern(10)), undefined);
    const room = exchange.write(1, pattern(700));
    assert.ok(room instanceof Promise);
    assert.equal(
      thrownCode(() => exchange.write(1, pattern(10))),
      "ERR_QUEUE_FULL",
    );
    const asked = exchange.request(1, pattern(800));
    await assert.rejects(exchange.request(1, pattern(1)), { code: "ERR_QUEUE_FULL" });
    exchange.end(closedError());
    await room;
    await assert.rejects(asked, { code: "ERR_CLOSED" });
  });

  test("has what was not sent go on in the next session, and whoever waits for it", async () => {
    const { exchange, openSession } = setUp();
    exchange.write(1, pattern(10));
    const flushed = exchange.flush();
    const asked = exchange.request(1, pattern(10));
    const session = openSession();
    assert.ok(session.outgoing.unsentBytes > 0);
    assert.equal(await isSettled(flushed), false);
    assert.equal(await isSettled(asked), false);
    exchange.end(closedError());
    await assert.rejects(flushed, { code: "ERR_CLOSED" });
    await assert.rejects(asked, { code: "ERR_CLOSED" });
  });

  test("rejects what waits for a session that is lost, and only that", async () => {
    const { exchange, openSession } = setUp();
    const session = openSession();
    exchange.write(1, pattern(10));
    const flushed = exchange.flush();
    const asked = exchange.request(1, pattern(10));
    for (const lane of session.outgoing.lanes) while (lane.nextBytes > 0) lane.take();
    const carried = exchange.detach("over");
    assert.equal(carried?.lostMessages.length, 1);
    await assert.rejects(flushed, { code: "ERR_SESSION_LOST" });
    await assert.rejects(asked, { code: "ERR_SESSION_LOST" });
    const later = exchange.request(1, pattern(10));
    assert.equal(await isSettled(later), false);
    exchange.end(closedError());
    await assert.rejects(later, { code: "ERR_CLOSED" });
  });

  test("loses nothing where the session may be resumed", async () => {
    const { exchange, openSession } = setUp();
    openSession();
    exchange.write(1, pattern(10));
    const flushed = exchange.flush();
    assert.equal(exchange.detach("resumable"), undefined);
    assert.equal(await isSettled(flushed), false);
    exchange.end(closedError());
    await assert.rejects(flushed, { code: "ERR_CLOSED" });
  });
});
