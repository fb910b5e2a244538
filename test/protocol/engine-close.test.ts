import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settleAfterOpenMs } from "#dist/protocol/limits.js";
import { concat, hex } from "../support/bytes.ts";
import { EnginePair, openPair } from "../support/engine-pair.ts";
import { EngineProbe, thrownCode } from "../support/engine-probe.ts";
import { clientHandshake, openClient, serverHandshake, waysInto } from "../support/engine-states.ts";
import { plainWire } from "../support/hand-made-peer.ts";

describe("an orderly close", () => {
  for (const encryption of [false, true]) {
    for (const closer of ["client", "server"] as const) {
      test(`by the ${closer} ends both sides without an error (${encryption ? "encrypted" : "plain"})`, () => {
        const pair = openPair({ server: { encryption } });
        pair[closer].close();
        assert.equal(pair[closer].state, "closing");
        pair.run();
        assert.deepEqual(pair.client.events, ["closed"]);
        assert.deepEqual(pair.server.events, ["closed"]);
      });
    }
  }

  test("by both at once ends both sides without an error", () => {
    const pair = openPair();
    pair.client.close();
    pair.server.close();
    pair.run();
    assert.deepEqual(pair.client.events, ["closed"]);
    assert.deepEqual(pair.server.events, ["closed"]);
  });

  test("is over only when the peer has ended its side", () => {
    const client = openClient().close();
    assert.deepEqual(client.events, []);
    assert.equal(client.engine.outputEnded, true);
    client.end();
    assert.equal(client.state, "closed");
    assert.deepEqual(client.events, ["closed"]);
  });

  test("lets out first what was sent before it", () => {
    const pair = openPair();
    pair.client.send(1, hex("0a"));
    pair.client.send(2, hex("0b"));
    pair.client.close();
    pair.run();
    assert.deepEqual(pair.server.events, ["message 1: 0a", "message 2: 0b", "closed"]);
  });

  test("twice is the same as once", () => {
    const client = openClient().close();
    const timeout = client.engine.nextTimeout();
    client.clock.advance(100);
    client.close();
    assert.equal(client.engine.nextTimeout(), timeout);
    client.end().close().end();
    assert.deepEqual(client.events, ["closed"]);
  });

  test("discards what arrives after it, be it a message or nonsense", () => {
    const client = openClient().close();
    client.receive(plainWire.message(5, hex("01"))).receive(hex("ff ff ff ff"));
    assert.equal(client.state, "closing");
    client.end().receive(plainWire.message(5, hex("01")));
    assert.deepEqual(client.events, ["closed"]);
  });

  test("discards what has arrived and was not asked for", () => {
    const client = openClient();
    client.engine.receive(plainWire.message(5, hex("01")));
    client.close();
    assert.deepEqual(client.events, []);
  });

  test("after the peer's end was heard, and before it was told, is over at once and keeps its output", () => {
    const client = openClient();
    client.send(5, hex("01"));
    client.engine.receiveEnd();
    client.close();
    assert.deepEqual(client.events, ["closed"]);
    client.assertOver();
    assert.equal(client.written(), "00 00 00 05 00 00 00 05 01");
  });

  test("of an engine that is over changes nothing and sets no deadline", () => {
    for (const way of waysInto("closed")) {
      const probe = way.enter().close();
      probe.assertOver(way.name);
      probe.pass(60_000);
      assert.deepEqual(probe.events, [], way.name);
    }
  });

  test("refuses what is sent after it", () => {
    const client = openClient().close();
    assert.equal(
      thrownCode(() => client.send(5, hex("01"))),
      "ERR_CLOSED",
    );
    client.end();
    assert.equal(
      thrownCode(() => client.send(5, hex("01"))),
      "ERR_CLOSED",
    );
    assert.equal(client.written(), "");
  });
});

describe("a close in the middle of the handshake", () => {
  for (const encryption of [false, true]) {
    for (const closer of ["client", "server"] as const) {
      test(`by the ${closer} finishes the handshake first (${encryption ? "encrypted" : "plain"})`, () => {
        const pair = new EnginePair({ server: { encryption } });
        pair[closer].close();
        pair.run();
        pair.client.pass(settleAfterOpenMs);
        pair.run();
        const other = closer === "client" ? pair.server : pair.client;
        assert.deepEqual(pair[closer].events, ["closed"]);
        assert.deepEqual(other.events, [encryption ? "open encrypted" : "open plain", "closed"]);
      });
    }
  }

  for (const encrypted of [false, true]) {
    const parts = { client: serverHandshake(encrypted), server: clientHandshake(encrypted) };
    for (const role of ["client", "server"] as const) {
      test(`loses no byte of it, wherever it comes (${role}, ${encrypted ? "encrypted" : "plain"})`, () => {
        const bytes = parts[role];
        for (let heard = 0; heard < bytes.length; heard++) {
          const probe = new EngineProbe({ role, encryption: encrypted });
          probe.receive(bytes.subarray(0, heard)).close().receive(bytes.subarray(heard));
          assert.equal(probe.state, "closing", `after ${heard} bytes`);
        }
      });

      test(`keeps what had arrived and was not looked at (${role}, ${encrypted ? "encrypted" : "plain"})`, () => {
        const probe = new EngineProbe({ role, encryption: encrypted });
        probe.engine.receive(parts[role]);
        probe.close();
        assert.equal(probe.state, "closing");
        assert.deepEqual(probe.end().events, ["closed"]);
      });
    }
  }

  test("still writes the last part of the handshake", () => {
    const client = new EngineProbe({ role: "client" }).close().receive(serverHandshake(false));
    assert.equal(client.written(), "00 | 00");
  });

  test("discards messages that follow the handshake", () => {
    const client = new EngineProbe({ role: "client" }).close();
    client.receive(concat(serverHandshake(false), plainWire.message(5, hex("01")))).end();
    assert.deepEqual(client.events, ["closed"]);
  });

  test("reports a peer that is at fault or gone as it does without a close", () => {
    const faulty = new EngineProbe({ role: "client" }).close().receive(hex("01 00"));
    assert.deepEqual(faulty.events, ["closed ERR_VERSION_MISMATCH"]);
    const gone = new EngineProbe({ role: "client" }).close().end();
    assert.deepEqual(gone.events, ["closed ERR_CONNECTION_LOST"]);
  });

  test("that the peer's end completes is over at once", () => {
    const server = new EngineProbe({ role: "server" });
    server.engine.receive(clientHandshake(false));
    server.engine.receiveEnd();
    server.close();
    assert.deepEqual(server.events, ["closed"]);
    server.assertOver();
  });
});

describe("a client that closes as soon as it is open", () => {
  /** Open since this many milliseconds, and closed now. */
  function closedAfter(ms: number): EngineProbe {
    const probe = new EngineProbe({ role: "client" }).receive(serverHandshake(false)).pass(ms);
    probe.takeWrites();
    probe.events.length = 0;
    return probe.close();
  }

  test("ends its output 20 ms after the handshake at the earliest", () => {
    const client = closedAfter(5);
    assert.equal(client.state, "closing");
    assert.equal(client.engine.outputEnded, false);
    client.pass(14);
    assert.equal(client.engine.outputEnded, false);
    client.pass(1);
    assert.equal(client.engine.outputEnded, true);
    assert.deepEqual(client.events, []);
  });

  test("waits no longer if those are over", () => {
    assert.equal(closedAfter(19).engine.outputEnded, false);
    assert.equal(closedAfter(20).engine.outputEnded, true);
  });

  test("lets out at once what was sent, and waits none the longer for it", () => {
    const client = new EngineProbe({ role: "client" }).receive(serverHandshake(false));
    client.send(5, hex("01"));
    client.close();
    const timeout = client.engine.nextTimeout();
    assert.equal(client.written(), "00 | 00 | 00 00 00 05 00 00 00 05 01");
    assert.equal(client.engine.nextTimeout(), timeout);
  });

  test("then waits for the peer as after any close", () => {
    const client = closedAfter(0).pass(20);
    assert.equal(client.engine.nextTimeout(), client.clock.now() + 5_000);
    client.takeWrites();
    assert.equal(client.engine.nextTimeout(), client.clock.now() + 250);
    assert.deepEqual(client.pass(250).events, ["closed"]);
  });

  test("is over at once if the peer ends its side", () => {
    const client = closedAfter(0).end();
    assert.deepEqual(client.events, ["closed"]);
    assert.equal(client.engine.outputEnded, true);
    client.assertOver();
  });

  test("meanwhile takes no message, and discards what arrives", () => {
    const client = closedAfter(0).receive(plainWire.message(5, hex("01")));
    assert.equal(
      thrownCode(() => client.send(5, hex("01"))),
      "ERR_CLOSED",
    );
    assert.deepEqual(client.pass(20).events, []);
  });

  test("does the same if it was closed during the handshake", () => {
    const client = new EngineProbe({ role: "client" }).close().pass(500).receive(serverHandshake(false));
    assert.equal(client.state, "closing");
    assert.equal(client.engine.outputEnded, false);
    assert.equal(client.engine.nextTimeout(), client.clock.now() + 20);
    assert.equal(client.pass(20).engine.outputEnded, true);
  });

  for (const encryption of [false, true]) {
    test(`does not let its server see the end before (${encryption ? "encrypted" : "plain"})`, () => {
      const pair = new EnginePair({ server: { encryption } }).run();
      pair.client.send(5, hex("01"));
      pair.client.close();
      pair.run().client.pass(settleAfterOpenMs - 1);
      assert.deepEqual(pair.run().server.events.slice(1), ["message 5: 01"]);
      pair.client.pass(1);
      assert.deepEqual(pair.run().server.events.slice(1), ["message 5: 01", "closed"]);
      assert.deepEqual(pair.client.events.slice(1), ["closed"]);
    });
  }

  test("waits longer than a server, which does not", () => {
    const server = new EngineProbe({ role: "server" }).receive(clientHandshake(false)).close();
    assert.equal(server.engine.outputEnded, true);
    assert.equal(server.engine.nextTimeout(), server.clock.now() + 5_000);
  });
});
