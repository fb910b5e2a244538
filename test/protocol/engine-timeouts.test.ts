import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, hex, pattern } from "../support/bytes.ts";
import { byteAtATime } from "../support/cutting.ts";
import { EngineProbe } from "../support/engine-probe.ts";
import { clientHandshake, openClient, serverHandshake, waysInto } from "../support/engine-states.ts";
import { wireFor } from "../support/hand-made-peer.ts";

const limits = { handshakeTimeoutMs: 500, frameTimeoutMs: 300, closeTimeoutMs: 200 };

/** From now until the engine's deadline. */
function timeLeft(probe: EngineProbe): number | undefined {
  const timeout = probe.engine.nextTimeout();
  return timeout && timeout - probe.clock.now();
}

describe("the handshake's timeout", () => {
  for (const role of ["client", "server"] as const) {
    test(`starts with the ${role}'s engine and ends it to the millisecond`, () => {
      const probe = new EngineProbe({ role, limits });
      assert.equal(timeLeft(probe), 500);
      assert.deepEqual(probe.pass(499).events, []);
      assert.deepEqual(probe.pass(1).events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
      assert.match(probe.error?.message ?? "", /not over within 500 ms/);
      assert.equal(probe.state, "closed");
      probe.assertOver();
    });

    for (const encryption of [false, true]) {
      test(`is not prolonged by what arrives (${role}, ${encryption ? "encrypted" : "plain"})`, () => {
        const bytes = role === "client" ? serverHandshake(encryption) : clientHandshake(encryption);
        const probe = new EngineProbe({ role, encryption, limits });
        for (const byte of byteAtATime(bytes.subarray(0, -1))) {
          probe.pass(1).receive(byte);
          assert.equal(probe.engine.nextTimeout(), 1_500);
        }
        probe.pass(500);
        assert.deepEqual(probe.events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
      });

      test(`is over with the handshake (${role}, ${encryption ? "encrypted" : "plain"})`, () => {
        const bytes = role === "client" ? serverHandshake(encryption) : clientHandshake(encryption);
        const probe = new EngineProbe({ role, encryption, limits }).receive(bytes);
        assert.equal(probe.engine.nextTimeout(), undefined);
        assert.equal(probe.pass(10_000).state, "open");
      });
    }
  }

  const hint = /a golang-ipc server that already has its one client/;

  test("says to a client that received nothing that the server may have another client", () => {
    assert.match(new EngineProbe({ role: "client", limits }).pass(500).error?.message ?? "", hint);
    const nothing = new EngineProbe({ role: "client", limits });
    nothing.engine.receive(hex(""));
    assert.match(nothing.pass(500).error?.message ?? "", hint);
  });

  test("does not tell that to a client that heard something, nor to a server", () => {
    const client = new EngineProbe({ role: "client", limits }).receive(hex("02")).pass(500);
    assert.equal(client.error?.code, "ERR_HANDSHAKE_TIMEOUT");
    assert.doesNotMatch(client.error.message, hint);
    const server = new EngineProbe({ role: "server", limits }).pass(500);
    assert.equal(server.error?.code, "ERR_HANDSHAKE_TIMEOUT");
    assert.doesNotMatch(server.error.message, hint);
  });

  test("drops what was to be written", () => {
    assert.equal(new EngineProbe({ role: "server", limits }).pass(500).written(), "");
  });
});

describe("a frame's timeout", () => {
  for (const way of waysInto("open")) {
    test(`starts with its first byte and is not prolonged by further ones (${way.name})`, () => {
      const bytes = wireFor(way.encrypted).message(5, pattern(100));
      const probe = way.enter({ limits });
      probe.pass(1_000);
      const due = probe.clock.now() + 300;
      for (const byte of byteAtATime(bytes.subarray(0, 100))) {
        probe.receive(byte);
        assert.equal(probe.engine.nextTimeout(), due);
        probe.pass(1);
      }
      assert.deepEqual(probe.pass(199).events, []);
      assert.deepEqual(probe.pass(1).events, ["closed ERR_FRAME_TIMEOUT"]);
      assert.match(probe.error?.message ?? "", /did not complete it within 300 ms/);
    });

    test(`is over with its last byte (${way.name})`, () => {
      const bytes = wireFor(way.encrypted).message(5, hex("01"));
      const probe = way.enter({ limits }).receive(bytes.subarray(0, -1));
      assert.equal(timeLeft(probe), 300);
      probe.pass(299).receive(bytes.subarray(-1));
      assert.deepEqual(probe.events, ["message 5: 01"]);
      assert.equal(probe.engine.nextTimeout(), undefined);
      assert.equal(probe.pass(10_000).state, "open");
    });

    test(`is over with its last byte if its type is 0 (${way.name})`, () => {
      const bytes = wireFor(way.encrypted).message(0, hex("01"));
      const probe = way.enter({ limits }).receive(bytes.subarray(0, -1));
      probe.pass(299).receive(bytes.subarray(-1));
      assert.deepEqual(probe.events, []);
      assert.equal(probe.engine.nextTimeout(), undefined);
    });

    test(`starts anew with the frame that follows in the same chunk (${way.name})`, () => {
      for (const type of [0, 5]) {
        const bytes = wireFor(way.encrypted).message(type, hex("01"));
        const probe = way.enter({ limits }).receive(bytes.subarray(0, -1)).pass(200);
        probe.receive(concat(bytes.subarray(-1), hex("00")));
        assert.equal(timeLeft(probe), 300);
        assert.equal(probe.pass(299).state, "open");
        assert.deepEqual(probe.pass(1).events.at(-1), "closed ERR_FRAME_TIMEOUT");
      }
    });
  }

  test("starts with a frame that began in the handshake's last chunk", () => {
    const server = new EngineProbe({ role: "server", limits });
    server.receive(concat(clientHandshake(false), hex("00")));
    assert.equal(timeLeft(server), 300);
  });

  test("does not run while there is no frame", () => {
    for (const way of waysInto("open")) {
      const probe = way.enter({ limits }).receive(wireFor(way.encrypted).message(5, hex("01")));
      assert.equal(probe.engine.nextTimeout(), undefined);
      probe.send(5, hex("01"));
      probe.takeWrites();
      assert.equal(probe.engine.nextTimeout(), undefined);
    }
  });

  test("does not run for what the reader has not asked for", () => {
    const { engine } = openClient({ limits });
    engine.receive(concat(wireFor(false).message(5, hex("01")), hex("00")));
    assert.equal(engine.nextEvent()?.kind, "message");
    assert.equal(engine.nextTimeout(), undefined);
    assert.equal(engine.nextEvent(), undefined);
    assert.notEqual(engine.nextTimeout(), undefined);
  });
});

describe("the close's timeout", () => {
  test("ends an engine whose peer does not take what was sent", () => {
    const probe = openClient({ limits });
    probe.send(5, hex("01"));
    probe.close();
    assert.equal(timeLeft(probe), 200);
    assert.deepEqual(probe.pass(199).events, []);
    assert.deepEqual(probe.pass(1).events, ["closed ERR_CLOSE_TIMEOUT"]);
    assert.match(probe.error?.message ?? "", /the peer accepted too little .* not a tenth in 200 ms/);
    probe.assertOver();
  });

  test("takes the place of a frame's", () => {
    const probe = openClient({ limits: { ...limits, closeTimeoutMs: 1_000 } }).receive(hex("00"));
    assert.equal(timeLeft(probe), 300);
    assert.equal(timeLeft(probe.close()), 1_000);
  });

  test("is renewed as long as the peer takes what was sent", () => {
    const probe = openClient({ limits });
    for (let sent = 0; sent < 4; sent++) probe.send(5, pattern(40_000));
    probe.close();
    for (let taken = 0; taken < 3; taken++) {
      probe.pass(199);
      assert.equal(probe.engine.takeOutput().length, 1);
      assert.equal(timeLeft(probe), 200);
    }
    assert.deepEqual(probe.pass(200).events, ["closed ERR_CLOSE_TIMEOUT"]);
  });

  for (const way of waysInto("open")) {
    test(`is not renewed by less than a tenth of what was to be sent (${way.name})`, () => {
      const probe = way.enter({ limits }).pass(1_000);
      for (let sent = 0; sent < 40; sent++) probe.send(5, pattern(32_000));
      probe.close();
      for (let taken = 0; taken < 3; taken++) {
        assert.equal(probe.pass(10).engine.takeOutput().length, 1);
        assert.equal(timeLeft(probe), 190 - 10 * taken);
      }
      assert.equal(probe.pass(10).engine.takeOutput().length, 1);
      assert.equal(timeLeft(probe), 200, "with the fourth of 40 a tenth has been taken");
    });

    test(`ends after ten times as long at the latest, however much leaves (${way.name})`, () => {
      const probe = way.enter({ limits }).pass(1_000);
      for (let sent = 0; sent < 10; sent++) probe.send(5, pattern(32_000));
      probe.close();
      for (let taken = 0; taken < 10; taken++) {
        assert.equal(probe.pass(199).engine.takeOutput().length, 1);
        assert.deepEqual(probe.events, []);
      }
      assert.equal(timeLeft(probe), 10);
      assert.deepEqual(probe.pass(10).events, ["closed ERR_CLOSE_TIMEOUT"]);
    });
  }

  test("is not renewed by what the peer sends", () => {
    const probe = openClient({ limits }).close();
    probe.pass(199).receive(wireFor(false).message(5, hex("01")));
    assert.equal(timeLeft(probe), 1);
  });

  test("is not set by output that leaves when there is no close", () => {
    const probe = openClient({ limits });
    probe.send(5, hex("01"));
    probe.takeWrites();
    assert.equal(probe.engine.nextTimeout(), undefined);
  });

  test("is not set by output that leaves when all is over", () => {
    const probe = openClient({ limits });
    probe.send(5, hex("01"));
    probe.end().takeWrites();
    probe.assertOver();
  });
});

describe("a close that has nothing left to send", () => {
  test("waits a quarter of a second for the peer's end, and is orderly without it", () => {
    const probe = openClient({ limits: { ...limits, closeTimeoutMs: 5_000 } });
    probe.send(5, hex("01"));
    probe.close();
    assert.equal(probe.engine.takeOutput().length, 1);
    assert.equal(timeLeft(probe), 5_000, "what was taken has yet to leave");
    assert.equal(probe.engine.takeOutput().length, 0);
    assert.equal(timeLeft(probe), 250);
    assert.deepEqual(probe.pass(249).events, []);
    assert.deepEqual(probe.pass(1).events, ["closed"]);
    assert.equal(probe.state, "closed");
    assert.equal(probe.engine.nextTimeout(), undefined);
  });

  test("waits no longer than closeTimeoutMs if that is shorter", () => {
    const probe = openClient({ limits }).close();
    probe.takeWrites();
    assert.equal(timeLeft(probe), 200);
    assert.deepEqual(probe.pass(200).events, ["closed"]);
  });

  test("does not wait anew each time it is asked for output", () => {
    const probe = openClient({ limits }).close();
    probe.takeWrites();
    probe.pass(199).takeWrites();
    assert.equal(timeLeft(probe), 1);
  });

  test("is over as soon as the peer ends its side", () => {
    const probe = openClient({ limits }).close();
    probe.takeWrites();
    assert.deepEqual(probe.end().events, ["closed"]);
  });
});

describe("a close in the handshake", () => {
  for (const state of ["client-awaits-hello", "server-awaits-answer"] as const) {
    for (const way of waysInto(state)) {
      test(`waits no longer than a second for it (${way.name})`, () => {
        const probe = way.enter({ limits: { closeTimeoutMs: 5_000 } }).close();
        assert.equal(timeLeft(probe), 1_000);
        assert.equal(probe.pass(999).state, state);
        assert.deepEqual(probe.pass(1).events, ["closed ERR_CLOSE_TIMEOUT"]);
        assert.match(probe.error?.message ?? "", /the handshake .* was not over within 1000 ms/);
      });

      test(`waits no longer than closeTimeoutMs if that is shorter (${way.name})`, () => {
        const probe = way.enter({ limits }).close();
        assert.equal(timeLeft(probe), 200);
        assert.deepEqual(probe.pass(200).events, ["closed ERR_CLOSE_TIMEOUT"]);
      });
    }
  }

  test("is not prolonged by parts of the handshake, nor by output that leaves", () => {
    const server = new EngineProbe({ role: "server", encryption: true }).close().pass(999);
    server.receive(hex("00")).takeWrites();
    assert.equal(timeLeft(server), 1);
  });

  test("has the whole of closeTimeoutMs once the handshake is over", () => {
    const server = new EngineProbe({ role: "server" }).close().pass(999);
    server.receive(clientHandshake(false));
    assert.equal(server.state, "closing");
    assert.equal(timeLeft(server), 5_000);
  });
});

describe("handleTimeout", () => {
  test("does nothing if it comes too early or if there is nothing to wait for", () => {
    const client = new EngineProbe({ role: "client", limits });
    client.engine.handleTimeout(0);
    client.engine.handleTimeout(1_499.9);
    client.receive(serverHandshake(false));
    client.engine.handleTimeout(Number.POSITIVE_INFINITY);
    assert.equal(client.takeEvents().state, "open");
    assert.deepEqual(client.events, ["open plain"]);
  });

  test("ends an engine once", () => {
    const client = new EngineProbe({ role: "client", limits }).pass(500).pass(500);
    assert.deepEqual(client.events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
  });

  test("comes after the events that are there already", () => {
    const client = new EngineProbe({ role: "client", limits });
    client.engine.handleTimeout(1_500);
    client.engine.receive(serverHandshake(false));
    assert.deepEqual(client.takeEvents().events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
  });
});

test("an engine that is idle has no timeout", () => {
  for (const way of waysInto("open")) assert.equal(way.enter().engine.nextTimeout(), undefined, way.name);
});

describe("an engine that is over", () => {
  test("waits for nothing once the peer has had its time to take what was written", () => {
    for (const way of waysInto("closed")) way.enter().assertOver(way.name);
  });

  test("gives the peer closeTimeoutMs for each tenth of that, and is then done", () => {
    const probe = openClient({ limits });
    probe.send(5, new Uint8Array(100));
    probe.end();
    assert.equal(timeLeft(probe), 200);
    probe.pass(199);
    probe.takeWrites();
    assert.equal(probe.engine.isDone, false);
    assert.equal(timeLeft(probe), 200, "all of it has left");
    assert.equal(probe.pass(200).engine.isDone, true);
    assert.equal(probe.engine.nextTimeout(), undefined);
  });

  test("counts what the transport has yet to send", () => {
    const probe = openClient({ limits });
    probe.send(5, new Uint8Array(100));
    assert.equal(probe.engine.takeOutput().length, 1);
    probe.end().pass(199);
    probe.engine.returnOutput();
    assert.equal(probe.engine.takeOutput().length, 0);
    assert.equal(timeLeft(probe), 200, "all of it has left");
  });

  test("ends at once if the transport is gone, and if a close took too long", () => {
    const gone = openClient({ limits }).end();
    assert.equal(gone.engine.isDone, false);
    gone.engine.abandon();
    assert.equal(gone.engine.isDone, true);
    const slow = openClient({ limits });
    slow.send(5, hex("01"));
    assert.equal(slow.close().pass(200).engine.isDone, true);
    assert.equal(slow.engine.hasFailed, true);
  });
});
