import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SendLane } from "#dist/protocol/native/lanes/send-lane.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { frameOverheadBytes } from "#dist/protocol/native/wire/lanes.js";
import { sessionOfAnyIds } from "../../support/incoming.ts";
import { lent } from "../../support/memory.ts";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";

const limits = { maxMessageBytes: 1_000_000, windows: [1_000_000, 1_000_000, 1_000_000] } as const;
const firstPart = maxBodyBytes - 12;
/** More than two frames take. */
const large = new Uint8Array(2 * maxBodyBytes + 20_000);

function session(): NativeSession {
  const made = sessionOfAnyIds(limits);
  made.attach(limits, undefined);
  return made;
}

/** The next frame of that lane arrives at the other end. */
function pass(lane: SendLane, to: NativeSession): void {
  const frame = lane.take();
  to.incoming.receive(lent(frame), 0, frame.length);
}

describe("what a session keeps besides what is queued", () => {
  test("is what has arrived of large bodies, and with a quarter of one all that it takes", () => {
    const [from, to] = [session(), session()];
    const larger = new Uint8Array(900_000);
    from.request(1, larger);
    assert.equal(to.keptBytes, 0);
    pass(from.outgoing.requests, to);
    assert.equal(to.keptBytes, firstPart);
    pass(from.outgoing.requests, to);
    assert.equal(to.keptBytes, larger.length);
    from.answer(1, larger);
    pass(from.outgoing.answers, to);
    assert.equal(to.keptBytes, larger.length + maxBodyBytes - 8);
  });

  test("is requests that wait for a handler", () => {
    const [from, to] = [session(), session()];
    from.request(1, new Uint8Array(100));
    pass(from.outgoing.requests, to);
    assert.equal(to.keptBytes, weightOf(nativeFrame("request", [1, 1], new Uint8Array(100))));
    to.incoming.lane("requests").consume(to.incoming.received[1]);
    assert.equal(to.keptBytes, 0);
  });

  test("is what the peer has of a large body that it has not all of", () => {
    const [from, to] = [session(), session()];
    from.send(1, large);
    from.send(2, new Uint8Array(10));
    const all = from.queuedBytes;
    assert.equal(from.keptBytes, 0);
    pass(from.outgoing.messages, to);
    assert.equal(from.keptBytes, 0);
    from.outgoing.acknowledge(to.incoming.acknowledge());
    const acknowledged = all - from.queuedBytes;
    assert.equal(from.keptBytes, acknowledged - frameOverheadBytes);
    pass(from.outgoing.messages, to);
    assert.equal(from.keptBytes, acknowledged - frameOverheadBytes);
    pass(from.outgoing.messages, to);
    to.incoming.lane("messages").consume(to.incoming.received[0]);
    from.outgoing.acknowledge(to.incoming.acknowledge());
    assert.equal(from.keptBytes, 0);
  });
});

describe("a failure's message that is too long", () => {
  for (const character of ["a", "é", "€", "🙂"]) {
    test(`is cut between two characters: ${character}`, () => {
      const [from, to] = [session(), session()];
      from.fail(1, { code: "CODE", message: character.repeat(maxBodyBytes) });
      const frame = from.outgoing.answers.take();
      const event = to.incoming.receive(lent(frame), 0, frame.length);
      assert.ok(event?.kind === "failure" && Buffer.byteLength(event.message) > maxBodyBytes - 200);
      assert.equal(event.message, character.repeat(event.message.length / character.length));
    });
  }
});
