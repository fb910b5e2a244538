import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CallerError, PeerError } from "#dist/errors.js";
import { concat, flipBit, hex, pattern, toHex, uint32 } from "../support/bytes.ts";
import { byteAtATime, whole } from "../support/cutting.ts";
import { openPair } from "../support/engine-pair.ts";
import { EngineProbe, eventText, thrownCode } from "../support/engine-probe.ts";
import { clientHandshake, serverHandshake, waysInto } from "../support/engine-states.ts";
import { plainWire, sealedWire, wireFor } from "../support/hand-made-peer.ts";

const types = [1, 5, 2 ** 31, 2 ** 32 - 1];
const sizes = [0, 1, 2, 255];
/** Around the size from which a message has a write of its own. */
const largeSizes = [4_096, 32_768 - 8, 32_768 - 7, 100_000];

/** A client whose server has this limit. */
function clientOf(serverMaxMessageBytes: number, ownMaxMessageBytes = 3_145_728): EngineProbe {
  const probe = new EngineProbe({ role: "client", limits: { maxMessageBytes: ownMaxMessageBytes } });
  probe.receive(serverHandshake(false, serverMaxMessageBytes)).takeWrites();
  return probe;
}

function openServer(encryption: boolean, maxMessageBytes = 3_145_728): EngineProbe {
  const probe = new EngineProbe({ role: "server", encryption, limits: { maxMessageBytes } });
  probe.receive(clientHandshake(encryption)).takeWrites();
  probe.events.length = 0;
  return probe;
}

describe("messages between two engines", () => {
  for (const encryption of [false, true]) {
    for (const [name, cutting] of Object.entries({ whole, byteAtATime })) {
      test(`arrive both ways as they were sent (${encryption ? "encrypted" : "plain"}, ${name})`, () => {
        const pair = openPair({ server: { encryption }, cutting });
        const expected: string[] = [];
        for (const type of types) {
          for (const size of type === 5 ? [...sizes, ...largeSizes] : sizes) {
            const data = pattern(size, type);
            pair.client.send(type, data);
            pair.server.send(type, data);
            expected.push(eventText({ kind: "message", type, data, position: 0 }));
          }
        }
        pair.run();
        assert.deepEqual(pair.server.events, expected);
        assert.deepEqual(pair.client.events, expected);
      });
    }
  }

  test("leave together if they are sent together", () => {
    const pair = openPair();
    for (let type = 1; type <= 100; type++) pair.client.send(type, hex("01"));
    assert.equal(pair.client.engine.queuedBytes, 900);
    assert.equal(pair.client.takeWrites().length, 1);
    assert.equal(pair.client.engine.queuedBytes, 0);
  });

  test("are sealed anew each time: the same twice is not the same on the wire", () => {
    const { client } = openPair({ server: { encryption: true } });
    client.send(5, hex("01"));
    const [first] = client.takeWrites();
    client.send(5, hex("01"));
    const [second] = client.takeWrites();
    assert.equal(first?.length, second?.length);
    assert.notDeepEqual(first, second);
  });
});

describe("a message of type 0 from the peer", () => {
  for (const way of waysInto("open")) {
    test(`is dropped, and what follows it is not (${way.name})`, () => {
      const wire = wireFor(way.encrypted);
      const bytes = concat(
        wire.message(0, hex("01 02")),
        wire.message(5, hex("03")),
        wire.message(0, hex("")),
      );
      for (const cutting of [whole, byteAtATime]) {
        const probe = way.enter().receive(bytes, cutting);
        assert.deepEqual(probe.events, ["message 5: 03"]);
        assert.equal(probe.state, "open");
        assert.equal(probe.written(), "");
        assert.deepEqual(probe.end().events, ["message 5: 03", "closed"]);
      }
    });
  }
});

describe("a frame's length", () => {
  for (const way of waysInto("open")) {
    const least = way.encrypted ? 32 : 4;

    test(`below the least is refused (${way.name})`, () => {
      for (let length = 0; length < least; length++) {
        const probe = way.enter().receive(uint32(length));
        assert.deepEqual(probe.events, ["closed ERR_FRAME_TOO_SHORT"]);
        assert.equal(probe.error?.fault, "peer");
      }
    });

    test(`at the limit is accepted, and one over it is refused before the rest has arrived (${way.name})`, () => {
      const limits = { maxMessageBytes: 10 };
      const atLimit = way.enter({ limits }).receive(wireFor(way.encrypted).message(5, pattern(10)));
      assert.deepEqual(atLimit.events, [`message 5: ${toHex(pattern(10))}`]);
      for (const length of [least + 11, 2 ** 31, 2 ** 32 - 1]) {
        const probe = way.enter({ limits }).receive(uint32(length));
        assert.deepEqual(probe.events, ["closed ERR_PEER_MESSAGE_TOO_LARGE"]);
      }
    });
  }

  test("that is refused does not keep the messages before it from the reader", () => {
    const bytes = concat(plainWire.message(1, hex("0a")), plainWire.message(2, hex("0b")), uint32(3));
    const probe = openServer(false).receive(bytes);
    assert.deepEqual(probe.events, ["message 1: 0a", "message 2: 0b", "closed ERR_FRAME_TOO_SHORT"]);
  });
});

describe("a sealed frame", () => {
  test("with any bit of its payload changed is refused", () => {
    const good = sealedWire.message(5, hex("01 02"));
    for (let bit = 4 * 8; bit < good.length * 8; bit++) {
      const probe = openServer(true).receive(flipBit(good, bit));
      assert.deepEqual(probe.events, ["closed ERR_DECRYPTION_FAILED"], `bit ${bit}`);
    }
  });

  test("with a bit of its length changed gives no message", () => {
    const good = sealedWire.message(5, hex("01 02"));
    for (let bit = 0; bit < 4 * 8; bit++) {
      const probe = openServer(true).receive(flipBit(good, bit)).end();
      assert.equal(probe.events.length, 1);
      assert.match(probe.events[0] ?? "", /^closed ERR_/);
    }
  });

  test("is refused if the peer did not seal it", () => {
    const probe = openServer(true).receive(plainWire.message(5, pattern(40)));
    assert.deepEqual(probe.events, ["closed ERR_DECRYPTION_FAILED"]);
  });

  test("that is refused ends the session: nothing after it is read", () => {
    const good = sealedWire.message(5, hex("01"));
    const probe = openServer(true)
      .receive(concat(good, flipBit(good, 200), good))
      .receive(good);
    assert.deepEqual(probe.events, ["message 5: 01", "closed ERR_DECRYPTION_FAILED"]);
    assert.equal(probe.state, "closed");
  });
});

describe("send", () => {
  for (const state of ["closing", "closed"] as const) {
    test(`once the engine ends is refused (${state})`, () => {
      for (const way of waysInto(state)) {
        const probe = way.enter();
        assert.equal(
          thrownCode(() => probe.send(5, hex("01"))),
          "ERR_CLOSED",
        );
        assert.equal(probe.engine.queuedBytes, 0);
      }
    });
  }

  test("refuses type 0 as reserved", () => {
    const probe = clientOf(1_000);
    assert.equal(
      thrownCode(() => probe.send(0, hex(""))),
      "ERR_RESERVED_TYPE",
    );
  });

  test("refuses what is no type", () => {
    const probe = clientOf(1_000);
    for (const type of [-1, 1.5, Number.NaN, 2 ** 32, "5" as never]) {
      assert.equal(
        thrownCode(() => probe.send(type, hex(""))),
        "ERR_TYPE_OUT_OF_RANGE",
      );
    }
  });

  test("refuses what is over the smaller of both ends' limits, and blames the end whose limit that is", () => {
    const ownLimit = "ERR_MESSAGE_TOO_LARGE";
    const peersLimit = "ERR_TOO_LARGE_FOR_PEER";
    for (const [probe, code] of [
      [clientOf(100, 200), peersLimit],
      [clientOf(200, 100), ownLimit],
      [openServer(false, 100), ownLimit],
    ] as const) {
      probe.send(5, pattern(100));
      assert.throws(() => probe.send(5, pattern(101)), { code });
    }
  });

  test("sends the empty message to a peer whose maximum is 0", () => {
    const probe = clientOf(0);
    probe.send(5, hex(""));
    assert.equal(probe.written(), "00 00 00 04 00 00 00 05");
    assert.equal(
      thrownCode(() => probe.send(5, hex("01"))),
      "ERR_TOO_LARGE_FOR_PEER",
    );
  });

  test("that is refused sends nothing and leaves the engine open", () => {
    const probe = clientOf(1_000);
    assert.throws(() => probe.send(0, hex("01")), CallerError);
    assert.throws(() => probe.send(5, pattern(1_001)), PeerError);
    assert.equal(probe.written(), "");
    assert.equal(probe.state, "open");
    probe.send(5, hex("01"));
    assert.equal(probe.written(), "00 00 00 05 00 00 00 05 01");
  });
});

test("messages are decoded when they are asked for: until then a wrong frame is not noticed", () => {
  const { engine } = openServer(false);
  engine.receive(concat(plainWire.message(1, hex("0a")), uint32(3)));
  assert.equal(engine.nextEvent()?.kind, "message");
  assert.equal(engine.state, "open");
  assert.equal(engine.nextEvent()?.kind, "closed");
  assert.equal(engine.state, "closed");
  assert.equal(engine.nextEvent(), undefined);
});
