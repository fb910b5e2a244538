import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Message } from "sealpipe";
import { ChannelSource } from "#dist/endpoint/link/channel-source.js";
import { ReadQuota } from "#dist/endpoint/reading/read-quota.js";
import { Session } from "#dist/protocol/native/session.js";
import { hex } from "../../support/bytes.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";

const message = new Message(5, hex("01"));

function setUp(session: Session | undefined) {
  const quota = new ReadQuota(1_000);
  const told: string[] = [];
  const teller = {
    take: (what: string, mark: number, of: Session) => {
      assert.equal(of, session);
      told.push(`${what} ${mark}`);
    },
  };
  return { quota, told, source: new ChannelSource(quota, teller, session) };
}

describe("the source of a session's messages", () => {
  const session = new Session({ maxMessageBytes: 1_000, windows: nativeDefaults.windows });

  test("counts what waits, and tells what was taken", () => {
    const { quota, told, source } = setUp(session);
    source.queued(message);
    assert.equal(quota.bytes, 257);
    assert.deepEqual(told, []);
    source.taken(message, 72);
    assert.equal(quota.bytes, 0);
    assert.deepEqual(told, ["messages 72"]);
  });

  test("counts as much for a message whose taker has released it", () => {
    const { quota, source } = setUp(session);
    const large = new Message(5, new Uint8Array(900));
    source.queued(large);
    assert.equal(quota.bytes, 1_156);
    large.release();
    source.taken(large, 972);
    assert.equal(quota.bytes, 0);
  });

  test("tells of what was taken at once, which never waited", () => {
    const { quota, told, source } = setUp(session);
    source.passed(72);
    assert.equal(quota.bytes, 0);
    assert.deepEqual(told, ["messages 72"]);
  });

  test("of a classic connection counts, and has nobody to tell", () => {
    const { quota, told, source } = setUp(undefined);
    source.queued(message);
    source.taken(message, 0);
    source.passed(0);
    assert.equal(quota.bytes, 0);
    assert.deepEqual(told, []);
  });
});
