import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, hex, pattern } from "../support/bytes.ts";
import { EngineProbe } from "../support/engine-probe.ts";
import { clientHandshake, handshakeStates, openClient, waysInto } from "../support/engine-states.ts";
import { clientPublicKey, plainWire, serverPublicKey, wireFor } from "../support/hand-made-peer.ts";

describe("the peer's end", () => {
  for (const way of waysInto("open")) {
    test(`between frames is an orderly end (${way.name})`, () => {
      const probe = way
        .enter()
        .receive(wireFor(way.encrypted).message(5, hex("01")))
        .end();
      assert.deepEqual(probe.events, ["message 5: 01", "closed"]);
    });

    test(`within a frame is a loss, after each of its bytes (${way.name})`, () => {
      const message = wireFor(way.encrypted).message(5, hex("01 02"));
      for (let heard = 1; heard < message.length; heard++) {
        const probe = way.enter().receive(message.subarray(0, heard)).end();
        assert.deepEqual(probe.events, ["closed ERR_CONNECTION_LOST"], `after ${heard} bytes`);
        assert.match(probe.error?.message ?? "", /lost within a frame$/);
      }
    });

    test(`comes after all messages that arrived before it (${way.name})`, () => {
      const wire = wireFor(way.encrypted);
      const probe = way.enter();
      probe.engine.receive(concat(wire.message(1, hex("0a")), wire.message(2, hex("0b"))));
      probe.engine.receive(wire.message(3, hex("0c")));
      probe.engine.receiveEnd();
      assert.equal(probe.state, "open");
      probe.takeEvents();
      assert.deepEqual(probe.events, ["message 1: 0a", "message 2: 0b", "message 3: 0c", "closed"]);
    });
  }

  for (const state of handshakeStates) {
    for (const way of waysInto(state)) {
      test(`in ${state} is a loss (${way.name})`, () => {
        const probe = way.enter().end();
        assert.deepEqual(probe.events, ["closed ERR_CONNECTION_LOST"]);
        assert.match(probe.error?.message ?? "", /lost in the handshake$/);
      });
    }
  }

  test("comes after the messages that came with the handshake's last part", () => {
    const server = new EngineProbe({ role: "server" });
    server.engine.receive(concat(clientHandshake(false), plainWire.message(5, hex("01"))));
    server.engine.receiveEnd();
    assert.deepEqual(server.takeEvents().events, ["open plain", "message 5: 01", "closed"]);
  });

  test("with a cause is a loss that carries it, even between frames", () => {
    const cause = new Error("ECONNRESET");
    const client = openClient()
      .receive(plainWire.message(5, hex("01")))
      .end(cause);
    assert.deepEqual(client.events, ["message 5: 01", "closed ERR_CONNECTION_LOST"]);
    assert.equal(client.error?.cause, cause);
    assert.match(client.error?.message ?? "", /to the peer was lost$/);
  });

  test("without a cause leaves none on the error", () => {
    const client = new EngineProbe({ role: "client" }).end();
    assert.equal("cause" in (client.error ?? {}), false);
  });

  test("counts once: a cause that comes later is not heard", () => {
    const client = openClient();
    client.engine.receiveEnd();
    client.engine.receiveEnd(new Error("EPIPE"));
    assert.deepEqual(client.takeEvents().events, ["closed"]);
    client.end(new Error("EPIPE"));
    assert.deepEqual(client.events, ["closed"]);
  });
});

describe("output at the end", () => {
  test("is kept if the peer ended its side: it may still read", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.end();
    assert.equal(client.engine.queuedBytes, 9);
    assert.equal(client.written(), "00 00 00 05 00 00 00 05 01");
    assert.equal(client.engine.queuedBytes, 0);
  });

  test("is kept if the peer ends its side while we close", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.close().end();
    assert.deepEqual(client.events, ["closed"]);
    assert.equal(client.written(), "00 00 00 05 00 00 00 05 01");
  });

  test("is dropped after a fault of the peer's", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.send(5, pattern(40_000));
    client.receive(hex("ff ff ff ff"));
    assert.equal(client.engine.queuedBytes, 0);
    assert.equal(client.written(), "");
  });

  test("is dropped after a timeout", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.close().pass(60_000);
    assert.equal(client.engine.queuedBytes, 0);
    assert.equal(client.written(), "");
  });

  test("is, after a hello that the client refuses, the refusal alone", () => {
    assert.equal(new EngineProbe({ role: "client" }).receive(hex("01 00")).written(), "01");
    const insisting = new EngineProbe({ role: "client", encryption: true });
    assert.equal(insisting.receive(hex("02 00")).written(), "02");
    assert.equal(new EngineProbe({ role: "client" }).receive(hex("02 07")).written(), "03");
  });

  test("is nothing after any other fault in the handshake", () => {
    const client = new EngineProbe({ role: "client" }).receive(hex("02 01"));
    assert.equal(client.receive(clientPublicKey).written(), "");
    const server = new EngineProbe({ role: "server", encryption: true }).receive(hex("00"));
    assert.equal(server.receive(serverPublicKey).written(), "");
    assert.equal(new EngineProbe({ role: "server" }).receive(hex("02")).written(), "");
  });

  test("ends with the close, and not with the peer's end", () => {
    const client = openClient();
    assert.equal(client.engine.outputEnded, false);
    client.engine.receiveEnd();
    assert.equal(client.engine.outputEnded, false);
    client.send(5, hex("01"));
    client.close();
    assert.equal(client.engine.outputEnded, true);
  });
});

describe("a transport that fails after a close", () => {
  const cause = new Error("EPIPE");

  test("is reported if something that was written had not left", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.close().end(cause);
    assert.deepEqual(client.events, ["closed ERR_CONNECTION_LOST"]);
    assert.match(client.error?.message ?? "", /before everything written had left/);
    assert.equal(client.error?.cause, cause);
  });

  test("is no failure if everything had left", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.close().takeWrites();
    client.end(cause);
    assert.deepEqual(client.events, ["closed"]);
  });
});
