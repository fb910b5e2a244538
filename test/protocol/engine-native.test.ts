import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { AwaitingHello, type Ends } from "../support/awaiting-hello.ts";
import { hex, pattern, toHex } from "../support/bytes.ts";
import { byteAtATime } from "../support/cutting.ts";
import { EnginePair, openPair } from "../support/engine-pair.ts";
import { eventText, nativeDefaults } from "../support/engine-probe.ts";
import {
  acknowledgement,
  framesOf,
  kindsIn,
  maxRecordWeight,
  nativeFrame,
  weightOf,
} from "../support/native-frames.ts";

const native = { native: {} };
const close = nativeFrame("close");
const message = nativeFrame("message", [5], hex("01"));
/** Data with which a message adds 1000 to its lane's position. */
const thousandth = pattern(1_000 - weightOf(nativeFrame("message", [5])));

/** An engine that has just opened, whose peer is the test. */
function open(ends: Partial<Ends> = {}): AwaitingHello {
  const opened = new AwaitingHello({ role: "server", encryption: false, ...ends }).hearHello();
  opened.nextRecord();
  opened.events.length = 0;
  return opened;
}

/** The kinds of frames in each record that it has written since, or the error that its peer gets. */
function records(ends: AwaitingHello): string[] {
  const told: string[] = [];
  for (let record = ends.nextRecord(); record !== undefined; record = ends.nextRecord()) {
    told.push(typeof record === "string" ? record : kindsIn(record));
  }
  return told;
}

/** What the messages that it has written since add to their lane's position. */
function sentWeight(ends: AwaitingHello): number {
  let weight = 0;
  for (let record = ends.nextRecord(); record instanceof Uint8Array; record = ends.nextRecord()) {
    const messages = framesOf(record).filter(({ kind }) => kind === "message");
    for (const { kind, body } of messages) weight += weightOf(nativeFrame(kind, [], body));
  }
  return weight;
}

const told = (ends: AwaitingHello): string[] => ends.events.map(eventText);

for (const encryption of [false, true]) {
  const wire = encryption ? "encrypted" : "plain";

  describe(`two native engines, ${wire}`, () => {
    for (const cutting of [undefined, byteAtATime]) {
      test(`say to each other what there is to say${cutting ? ", byte by byte" : ""}`, () => {
        const pair = openPair({
          client: native,
          server: { ...native, encryption },
          ...(cutting && { cutting }),
        });
        const expected: string[] = [];
        for (const [index, size] of [0, 1, 1_000, maxBodyBytes + 10_000].entries()) {
          const data = pattern(size, index);
          pair.client.send(index + 1, data);
          pair.server.send(index + 1, data);
          expected.push(`message ${index + 1}: ${toHex(data)}`);
        }
        pair.run();
        assert.deepEqual(pair.client.events, expected.slice(0, pair.client.events.length));
        assert.ok(pair.client.events.length >= 3, "one window full, or all");
        assert.deepEqual(pair.server.events, pair.client.events);
      });
    }

    for (const closers of [["client"], ["server"], ["client", "server"]] as const) {
      test(`close in order, by a close of ${closers.join(" and ")}`, () => {
        const pair = openPair({ client: native, server: { ...native, encryption } });
        pair.client.send(1, hex("0a"));
        pair.server.send(2, hex("0b"));
        for (const closer of closers) {
          pair[closer].close();
          assert.equal(pair[closer].state, "closing");
          assert.equal(pair[closer].engine.outputEnded, false, "the close has yet to be sent");
        }
        pair.run();
        for (const end of [pair.client, pair.server]) {
          assert.equal(end.events.at(-1), "closed");
          assert.equal(end.state, "closed");
          assert.equal(end.engine.outputEnded, true);
          end.assertOver();
        }
        for (const closer of closers) {
          const other = closer === "client" ? pair.server : pair.client;
          if (closers.length === 1) assert.match(other.events[0] as string, /^message/);
        }
      });
    }

    test("that close before they are open close in order once they are", () => {
      const pair = new EnginePair({ client: native, server: { ...native, encryption } });
      pair.client.close();
      pair.server.close();
      pair.run();
      assert.deepEqual(pair.client.events, ["closed"]);
      assert.deepEqual(pair.server.events, ["closed"]);
    });
  });
}

for (const role of ["client", "server"] as const) {
  describe(`a native ${role}`, () => {
    test("reports with its opening who the peer is, before anything that the peer sends", () => {
      const ends = new AwaitingHello({ role, encryption: false });
      ends.hearHello();
      ends.hearFrames(message, nativeFrame("request", [1, 6], hex("02")));
      const [opened, ...others] = ends.events;
      assert.ok(opened?.kind === "open" && opened.native !== undefined);
      assert.equal(opened.native.resumed, false);
      assert.equal(opened.native.peer.library, "sealpipe/test");
      assert.deepEqual(others.map(eventText), ["message 5: 01", "request 1 of 6: 02"]);
    });

    test("does not stop the transport however much is unread: the window does", () => {
      assert.equal(open({ role }).engine.needsPausing, false);
    });

    test("loses the connection if the peer ends without a close", () => {
      const ends = open({ role });
      ends.send(5, hex("01"));
      ends.end();
      assert.deepEqual(told(ends), ["closed ERR_CONNECTION_LOST"]);
      assert.deepEqual(records(ends), [], "and says nothing more, as it may come back");
    });

    test("loses the connection if the peer ends within a record", () => {
      const ends = open({ role });
      ends.hear(hex("00 00 00 07 10 00"));
      ends.end();
      assert.deepEqual(told(ends), ["closed ERR_CONNECTION_LOST"]);
    });

    test("answers a close with its own, without what it still had to say", () => {
      const ends = open({ role });
      ends.send(5, hex("01"));
      ends.hearFrames(message, close);
      assert.deepEqual(told(ends), ["message 5: 01", "closed"]);
      assert.deepEqual(records(ends), ["close"]);
      assert.equal(ends.engine.outputEnded, true);
    });

    test("hears nothing that comes after the peer's close", () => {
      const ends = open({ role });
      ends.hearFrames(close, message);
      ends.hearFrames(message);
      assert.deepEqual(told(ends), ["closed"]);
    });

    test("is ended by a fault, and says nothing more", () => {
      const ends = open({ role });
      ends.send(5, hex("01"));
      ends.hearFrames(nativeFrame(0x0f));
      assert.deepEqual(told(ends), ["closed ERR_FRAME_INVALID"]);
      assert.deepEqual(records(ends), []);
    });

    test("is ended by a request whose id is 0 or is being handled already", () => {
      const request = nativeFrame("request", [7, 5]);
      const ends = open({ role });
      ends.hearFrames(request, nativeFrame("cancel", [7]), request, request);
      assert.deepEqual(told(ends), [
        "request 7 of 5: ",
        "cancel 7",
        "request 7 of 5: ",
        "closed ERR_FRAME_INVALID",
      ]);
      assert.deepEqual(told(open({ role }).hearFrames(nativeFrame("request", [0, 5]))), [
        "closed ERR_FRAME_INVALID",
      ]);
    });

    test("gives a record so long from its first byte to its last, and the next one its own time", () => {
      const ends = open({ role, limits: { frameTimeoutMs: 100 } });
      ends.hear(hex("00 00"));
      ends.pass(99).hear(hex("00 04 06 00 00"));
      assert.deepEqual(told(ends), []);
      assert.deepEqual(told(ends.pass(1)), ["closed ERR_FRAME_TIMEOUT"]);
      const other = open({ role, limits: { frameTimeoutMs: 100 } });
      other.hear(hex("00 00"));
      other.pass(99).hear(hex("00 08 05 00 00 04 00 00 00 01 00"));
      assert.deepEqual(told(other.pass(99)), []);
      assert.deepEqual(told(other.pass(1)), ["closed ERR_FRAME_TIMEOUT"]);
    });
  });

  describe(`a native ${role} that closes`, () => {
    test("sends what it has, then its close, and waits for the peer's", () => {
      const ends = open({ role });
      ends.send(5, hex("01"));
      ends.close();
      assert.equal(ends.engine.state, "closing");
      assert.deepEqual(records(ends), ["message close"]);
      assert.deepEqual(told(ends), []);
      ends.hearFrames(close);
      assert.deepEqual(told(ends), ["closed"]);
      assert.deepEqual(records(ends), []);
    });

    test("drops what still arrives, and acknowledges only what is consumed when it arrives", () => {
      const ends = open({ role });
      ends.send(5, pattern(100));
      ends.close();
      ends.hearFrames(message, nativeFrame("request", [1, 5]), nativeFrame("answer", [1]));
      assert.deepEqual(told(ends), []);
      assert.deepEqual(records(ends), ["message acknowledge close"]);
      ends.hearFrames(close);
      assert.deepEqual(told(ends), ["closed"]);
    });

    test("acknowledges nothing of what it drops while its own close has to wait", () => {
      const ends = open({ role });
      for (let count = 0; count < 66; count++) ends.send(5, thousandth);
      assert.equal(sentWeight(ends), 66_000);
      ends.send(6, pattern(10));
      ends.close();
      for (const dropped of [message, nativeFrame("request", [1, 5])]) {
        ends.hearFrames(dropped, nativeFrame("acknowledge-soon"));
        assert.deepEqual(records(ends), []);
      }
      ends.hearFrames(acknowledgement(66_000));
      assert.deepEqual(records(ends), ["message close"]);
    });

    test("is still ended by the peer's faults", () => {
      const ends = open({ role }).close();
      ends.hearFrames(nativeFrame(0x0f));
      assert.deepEqual(told(ends), ["closed ERR_FRAME_INVALID"]);
      const cut = open({ role }).close();
      cut.hear(hex("00 00 00 02"));
      assert.deepEqual(told(cut), ["closed ERR_FRAME_TOO_SHORT"]);
    });

    test("has lost the connection if the peer ends without a close and has not acknowledged everything", () => {
      const ends = open({ role });
      ends.send(5, hex("01"));
      ends.close();
      records(ends);
      ends.end();
      assert.deepEqual(told(ends), ["closed ERR_CONNECTION_LOST"]);
    });

    test("has closed if the peer ends without a close and has acknowledged everything", () => {
      const ends = open({ role });
      ends.send(5, hex("01"));
      ends.close();
      records(ends);
      ends.hearFrames(acknowledgement(weightOf(message)));
      ends.end();
      assert.deepEqual(told(ends), ["closed"]);
    });

    test("has lost the connection if the peer ends before the close has left", () => {
      assert.deepEqual(told(open({ role }).close().end()), ["closed ERR_CONNECTION_LOST"]);
    });

    test("gives up if the peer takes nothing for closeTimeoutMs", () => {
      const ends = open({ role, limits: { closeTimeoutMs: 100 } });
      ends.close();
      records(ends);
      assert.deepEqual(told(ends.pass(99)), []);
      assert.deepEqual(told(ends.pass(1)), ["closed ERR_CLOSE_TIMEOUT"]);
      assert.deepEqual(records(ends), []);
    });

    test("waits longer for a peer that still takes what was written", () => {
      const ends = open({ role, limits: { closeTimeoutMs: 100 } });
      for (let count = 0; count < 300; count++) ends.send(5, thousandth);
      ends.close();
      for (let taken = sentWeight(ends); taken < 300_000; taken += sentWeight(ends)) {
        ends.pass(99);
        assert.deepEqual(told(ends), []);
        ends.hearFrames(acknowledgement(taken));
      }
      ends.pass(99).hearFrames(close);
      assert.deepEqual(told(ends), ["closed"]);
    });

    test("waits no longer than ten times closeTimeoutMs, however much the peer takes", () => {
      const ends = open({ role, limits: { closeTimeoutMs: 100 } });
      for (let count = 0; count < 10; count++) ends.send(5, thousandth);
      ends.close();
      assert.equal(sentWeight(ends), 10_000);
      for (let taken = 1_000; taken <= 10_000; taken += 1_000) {
        assert.deepEqual(told(ends.pass(99)), []);
        ends.hearFrames(acknowledgement(taken));
        records(ends);
      }
      assert.deepEqual(told(ends.pass(9)), []);
      assert.deepEqual(told(ends.pass(1)), ["closed ERR_CLOSE_TIMEOUT"]);
    });

    test("is ended by an acknowledgement within a message, as one that is open is", () => {
      for (const closing of [true, false]) {
        const ends = open({ role });
        ends.send(5, thousandth);
        records(ends);
        if (closing) ends.close();
        ends.hearFrames(acknowledgement(999));
        assert.deepEqual(told(ends), ["closed ERR_FRAME_INVALID"]);
      }
    });

    test("takes a second close for the first", () => {
      const ends = open({ role }).close();
      const timeout = ends.engine.nextTimeout();
      ends.clock.advance(10);
      assert.equal(ends.close().engine.nextTimeout(), timeout);
      assert.deepEqual(records(ends), ["close"]);
    });
  });

  describe(`a native ${role} whose peer is silent`, () => {
    const keepalive = { native: { keepaliveIntervalMs: 1_000, keepaliveTimeoutMs: 400 } };

    test("asks whether it is alive, and loses the connection if nothing comes", () => {
      const ends = open({ role, ...keepalive });
      assert.equal(ends.engine.nextTimeout(), ends.clock.now() + 1_000);
      ends.pass(1_000);
      assert.deepEqual(records(ends), ["ping"]);
      assert.deepEqual(told(ends.pass(399)), []);
      assert.deepEqual(told(ends.pass(1)), ["closed ERR_KEEPALIVE_TIMEOUT"]);
      assert.equal(ends.engine.isDone, true);
    });

    test("takes anything for a sign of life, be it a part of a record", () => {
      const ends = open({ role, ...keepalive });
      ends.pass(1_000);
      ends.hear(hex("00 00"));
      ends.pass(999);
      assert.deepEqual(told(ends), []);
      assert.equal(ends.engine.nextTimeout(), ends.clock.now() + 1);
    });

    test("asks again if it was held up itself, and goes on", () => {
      const ends = open({ role, ...keepalive });
      ends.pass(1_000);
      records(ends);
      ends.pass(60_000);
      assert.deepEqual(told(ends), []);
      assert.deepEqual(records(ends), ["ping"]);
      ends.hearFrames(nativeFrame("pong", [2]));
      assert.deepEqual(told(ends.pass(399)), []);
    });

    test("does not ask if keepalive is off, and answers all the same", () => {
      const ends = open({ role });
      assert.equal(ends.engine.nextTimeout(), undefined);
      ends.hearFrames(nativeFrame("ping", [7]));
      assert.deepEqual(records(ends), ["pong"]);
    });

    test("loses the connection also while it closes", () => {
      const ends = open({ role, ...keepalive, limits: { closeTimeoutMs: 60_000 } });
      ends.close();
      ends.pass(1_000);
      assert.deepEqual(told(ends.pass(400)), ["closed ERR_KEEPALIVE_TIMEOUT"]);
    });
  });
}

describe("an engine's acknowledgements", () => {
  test("are asked for if the profile has a word for that, and otherwise not", () => {
    const ends = open();
    ends.send(5, hex("01"));
    ends.session?.askForAcknowledgement();
    assert.deepEqual(records(ends), ["message acknowledge-soon"]);
    const pair = openPair();
    pair.client.session?.askForAcknowledgement();
    assert.deepEqual(pair.client.takeWrites(), []);
  });

  test("say what the application has consumed, soon after", () => {
    const ends = open();
    ends.hearFrames(message);
    assert.equal(ends.engine.nextTimeout(), undefined);
    ends.session?.consumed("messages", weightOf(message));
    assert.deepEqual(records(ends), []);
    assert.equal(ends.engine.nextTimeout(), ends.clock.now() + 20);
    ends.pass(20);
    assert.deepEqual(records(ends), ["acknowledge"]);
  });

  test("count what is queued and what has yet to leave", () => {
    const ends = open();
    ends.send(5, hex("01"));
    assert.equal(ends.engine.queuedBytes, weightOf(message));
    assert.equal(ends.engine.unsentBytes, weightOf(message));
    records(ends);
    assert.equal(ends.engine.queuedBytes, weightOf(message));
    assert.equal(ends.engine.unsentBytes, 0);
    ends.hearFrames(acknowledgement(weightOf(message)));
    assert.equal(ends.engine.queuedBytes, 0);
  });

  test("of what was never sent end it", () => {
    const ends = open();
    ends.hearFrames(acknowledgement(1));
    assert.deepEqual(told(ends), ["closed ERR_FRAME_INVALID"]);
  });
});

describe("an engine whose application does not read", () => {
  test("has to stop the transport on the classic wire, until it closes, and never on the native one", () => {
    const classic = openPair().server;
    assert.equal(classic.engine.needsPausing, true);
    assert.equal(classic.close().engine.needsPausing, false);
    assert.equal(open().engine.needsPausing, false);
  });

  test("has to in no handshake, where there is nothing to read", () => {
    const { engine } = new EnginePair().server;
    assert.equal(engine.needsPausing, false);
    assert.equal(engine.unsentBytes, engine.queuedBytes);
    assert.equal(engine.unsentBytes, 2, "the hello");
  });
});

test("a peer that sends more than the window is ended", () => {
  const ends = open();
  const large = nativeFrame("message", [5], pattern(60_000));
  const most = nativeDefaults.windows[0] + maxRecordWeight;
  for (let position = weightOf(large); position <= most; position += weightOf(large)) ends.hearFrames(large);
  assert.equal(ends.engine.state, "open");
  ends.hearFrames(large);
  assert.equal(ends.told.at(-1), "closed ERR_WINDOW_EXCEEDED");
});
