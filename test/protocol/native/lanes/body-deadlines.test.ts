import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PeerError } from "#dist/errors.js";
import { NativeProfile } from "#dist/protocol/native/profile.js";
import type { NativeSession } from "#dist/protocol/native/session.js";
import { RecordReader, RecordWriter } from "#dist/protocol/native/wire/record.js";
import type { ProfileEvent } from "#dist/protocol/profile.js";
import { ReceiveBuffer } from "#dist/protocol/receive-buffer.js";
import { concat, uint32 } from "../../../support/bytes.ts";
import { closeStart } from "../../../support/close-start.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { sessionOfAnyIds } from "../../../support/incoming.ts";
import { nativeFrame } from "../../../support/native-frames.ts";

const tenth = 20_000;
const frameTimeoutMs = 1_000;
const never = Number.POSITIVE_INFINITY;

/** One end with windows of 65,536 and 1000 ms for each tenth of a body, which tells events and when it has to be asked again. */
class End {
  readonly clock = new FakeClock();
  readonly session: NativeSession;
  profile: NativeProfile;
  readonly positions: number[] = [];

  constructor() {
    const limits = { maxMessageBytes: 10_000_000, windows: [65_536, 65_536, 65_536] } as const;
    this.session = sessionOfAnyIds(limits);
    this.session.attach(limits, undefined);
    this.profile = this.#connect();
  }

  #connect(): NativeProfile {
    return new NativeProfile({
      session: this.session,
      clock: this.clock,
      encrypted: false,
      reader: new RecordReader(),
      writer: new RecordWriter(),
      keepalive: { keepaliveIntervalMs: never, keepaliveTimeoutMs: never },
      frameTimeoutMs,
    });
  }

  reconnect(): void {
    this.profile = this.#connect();
    this.receive(nativeFrame("pong", [1]));
  }

  receive(...frames: readonly Uint8Array[]): ProfileEvent[] {
    const input = new ReceiveBuffer();
    for (const frame of frames) input.push(concat(uint32(frame.length), frame));
    const events: ProfileEvent[] = [];
    for (let event = this.profile.receive(input); event !== undefined; event = this.profile.receive(input)) {
      if ("position" in event) this.positions.push(event.position);
      events.push(event);
    }
    // What was taken is told, so that only a body is waited for.
    this.profile.handleTimeout(this.clock.now());
    this.profile.takeOutput();
    return events;
  }

  take(lane: "messages" | "requests"): void {
    this.profile.session.consumed(lane, this.positions.shift() as number);
    this.profile.takeOutput();
  }

  /** What comes of it that so much time has passed: nothing, or an error's code. */
  pass(ms: number): string | undefined {
    this.clock.advance(ms);
    try {
      this.profile.handleTimeout(this.clock.now());
      return undefined;
    } catch (error) {
      return (error as PeerError).code;
    }
  }
}

interface Lane {
  readonly start: (id: number, bytes?: number) => Uint8Array;
  readonly part: (id: number, bytes?: number) => Uint8Array;
}

const bytes = (count: number): Uint8Array => new Uint8Array(count);
const lanes: Record<"messages" | "requests" | "answers", Lane> = {
  messages: {
    start: (_, count = tenth) => nativeFrame("message-start", [5, 10 * tenth], bytes(count)),
    part: (_, count = tenth) => nativeFrame("message-part", [], bytes(count)),
  },
  requests: {
    start: (id, count = tenth) => nativeFrame("request-start", [id, 5, 10 * tenth], bytes(count)),
    part: (id, count = tenth) => nativeFrame("request-part", [id], bytes(count)),
  },
  answers: {
    start: (id, count = tenth) => nativeFrame("answer-start", [id, 10 * tenth], bytes(count)),
    part: (id, count = tenth) => nativeFrame("answer-part", [id], bytes(count)),
  },
};

for (const [name, { start, part }] of Object.entries(lanes)) {
  describe(`a large body that is not finished (${name})`, () => {
    test("has so long from its start, whatever else arrives", () => {
      const end = new End();
      end.receive(start(1));
      for (let passed = 100; passed < frameTimeoutMs; passed += 100) {
        assert.equal(end.pass(100), undefined);
        end.receive(nativeFrame("pong", [1]), nativeFrame("cancel", [7]));
      }
      assert.equal(end.pass(99), undefined);
      assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
    });

    test("has as long again with each tenth that comes, and not with less", () => {
      const end = new End();
      end.receive(start(1));
      end.pass(900);
      end.receive(part(1));
      assert.equal(end.pass(999), undefined);
      end.receive(part(1, 16_384));
      assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
    });

    test("is not waited for once it is finished", () => {
      const end = new End();
      end.receive(start(1));
      for (let parts = 2; parts <= 9; parts++) end.receive(part(1));
      assert.equal(end.receive(part(1)).length, 1);
      assert.equal(end.profile.nextTimeout(), never);
      assert.equal(end.pass(100_000), undefined);
    });

    test("is not waited for once this end closes", () => {
      const end = new End();
      end.receive(start(1));
      end.profile.close(closeStart);
      assert.equal(end.pass(100_000), undefined);
      end.receive(part(1));
      end.profile.close(closeStart);
      assert.equal(end.pass(100_000), undefined);
    });

    test("has its time from the start on a new connection", () => {
      const end = new End();
      end.receive(start(1));
      end.pass(999);
      end.clock.advance(100_000);
      end.reconnect();
      assert.equal(end.pass(999), undefined);
      assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
    });
  });
}

for (const name of ["messages", "requests"] as const) {
  describe(`a window that is full (${name})`, () => {
    const whole =
      name === "messages"
        ? nativeFrame("message", [5], bytes(60_000))
        : nativeFrame("request", [9, 5], bytes(60_000));

    test("stops the time of a body until the application opens it", () => {
      const end = new End();
      const { start, part } = lanes[name];
      end.receive(whole, start(1));
      assert.equal(end.profile.nextTimeout(), never);
      assert.equal(end.pass(100_000), undefined);
      end.take(name);
      assert.equal(end.pass(999), undefined);
      end.receive(part(1));
      assert.equal(end.pass(999), undefined);
      assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
    });

    test("does not stop the time of bodies in other lanes, nor starts theirs again", () => {
      const end = new End();
      end.receive(lanes.answers.start(1));
      end.pass(500);
      end.receive(whole, lanes[name].start(2));
      assert.equal(end.pass(499), undefined);
      assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
    });
  });
}

test("a window that is filled and opened again and again leaves a body the time that it had", () => {
  const end = new End();
  end.receive(lanes.requests.start(1));
  const fill = nativeFrame("request", [9, 5], bytes(60_000));
  for (let rounds = 0; rounds < 9; rounds++) {
    assert.equal(end.pass(100), undefined);
    end.receive(fill, fill);
    assert.equal(end.pass(5_000), undefined);
    end.take("requests");
    end.take("requests");
  }
  assert.equal(end.pass(99), undefined);
  assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
});

test("of several bodies each has a time of its own", () => {
  const end = new End();
  const { start, part } = lanes.requests;
  end.receive(start(1));
  end.pass(500);
  end.receive(start(2));
  end.pass(400);
  end.receive(part(1), lanes.answers.start(7));
  assert.equal(end.pass(599), undefined);
  assert.equal(end.pass(1), "ERR_FRAME_TIMEOUT");
});
