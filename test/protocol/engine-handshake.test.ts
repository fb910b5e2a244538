import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { concat, hex, pattern, toHex } from "../support/bytes.ts";
import { byteAtATime, whole } from "../support/cutting.ts";
import { EnginePair } from "../support/engine-pair.ts";
import { EngineProbe } from "../support/engine-probe.ts";
import { clientHandshake, handshakeStates, serverHandshake, waysInto } from "../support/engine-states.ts";
import { plainWire, sealedWire } from "../support/hand-made-peer.ts";

const handshakes = { client: serverHandshake, server: clientHandshake };

describe("a handshake between two engines", () => {
  const combinations = [
    { server: false, client: false, clientEvents: ["open plain"], serverEvents: ["open plain"] },
    { server: true, client: false, clientEvents: ["open encrypted"], serverEvents: ["open encrypted"] },
    { server: true, client: true, clientEvents: ["open encrypted"], serverEvents: ["open encrypted"] },
    {
      server: false,
      client: true,
      clientEvents: ["closed ERR_ENCRYPTION_REQUIRED"],
      serverEvents: ["closed ERR_ENCRYPTION_REQUIRED"],
    },
  ];
  for (const { server, client, clientEvents, serverEvents } of combinations) {
    const encrypts = server ? "that encrypts" : "that does not";
    const insists = client ? "that insists" : "that follows";
    for (const [name, cutting] of Object.entries({ whole, byteAtATime })) {
      test(`of a server ${encrypts} and a client ${insists} gives ${clientEvents} (${name})`, () => {
        const pair = new EnginePair({
          client: { encryption: client },
          server: { encryption: server },
          cutting,
        }).run();
        assert.deepEqual(pair.client.events, clientEvents);
        assert.deepEqual(pair.server.events, serverEvents);
      });
    }
  }

  test("works with real keys and nonces", () => {
    const pair = new EnginePair({
      client: { crypto: nodeCrypto },
      server: { crypto: nodeCrypto, encryption: true },
    }).run();
    pair.client.send(5, hex("01"));
    pair.server.send(6, hex("02"));
    pair.run();
    assert.deepEqual(pair.client.events, ["open encrypted", "message 6: 02"]);
    assert.deepEqual(pair.server.events, ["open encrypted", "message 5: 01"]);
  });

  test("lets messages follow its last part in the same chunk", () => {
    const client = new EngineProbe({ role: "client" });
    client.receive(concat(serverHandshake(false), plainWire.message(5, hex("01"))));
    assert.deepEqual(client.events, ["open plain", "message 5: 01"]);
    const server = new EngineProbe({ role: "server" });
    server.receive(concat(clientHandshake(false), plainWire.message(5, hex("01"))));
    assert.deepEqual(server.events, ["open plain", "message 5: 01"]);
  });

  test("reports the opening before the messages, one event at a time", () => {
    const { engine } = new EngineProbe({ role: "server" });
    engine.receive(concat(clientHandshake(false), plainWire.message(5, hex("01"))));
    const opened = engine.nextEvent();
    assert.ok(opened?.kind === "open");
    assert.equal(opened.profile, "classic");
    assert.equal(opened.encrypted, false);
    assert.equal(opened.native, undefined);
    assert.equal(engine.nextEvent()?.kind, "message");
    assert.equal(engine.nextEvent(), undefined);
  });
});

describe("a peer that hangs up in the handshake", () => {
  for (const role of ["client", "server"] as const) {
    for (const encrypted of [false, true]) {
      test(`is lost, after each of its bytes (at the ${role}, ${encrypted ? "encrypted" : "plain"})`, () => {
        const bytes = handshakes[role](encrypted);
        for (let heard = 0; heard < bytes.length; heard++) {
          const probe = new EngineProbe({ role, encryption: encrypted });
          probe.receive(bytes.subarray(0, heard)).end();
          assert.deepEqual(probe.events, ["closed ERR_CONNECTION_LOST"], `after ${heard} bytes`);
        }
        const probe = new EngineProbe({ role, encryption: encrypted }).receive(bytes).end();
        assert.deepEqual(probe.events, [encrypted ? "open encrypted" : "open plain", "closed"]);
      });
    }
  }

  test("is lost for the reason that the transport gives", () => {
    const cause = new Error("ECONNRESET");
    const probe = new EngineProbe({ role: "client" }).end(cause);
    assert.equal(probe.error?.code, "ERR_CONNECTION_LOST");
    assert.equal(probe.error?.cause, cause);
  });
});

describe("before the handshake is over", () => {
  for (const state of handshakeStates) {
    for (const way of waysInto(state)) {
      test(`no engine in ${state} holds more than 260 bytes of its peer's (${way.name})`, () => {
        for (const bytes of [pattern(260), new Uint8Array(260), new Uint8Array(260).fill(0xff)]) {
          const probe = way.enter().receive(bytes);
          assert.notEqual(probe.state, state, "the bytes were taken");
        }
      });
    }
  }

  test("a server holds no more than 97 bytes of a client that sends and never finishes", () => {
    const server = new EngineProbe({ role: "server", encryption: true }).receive(hex("00"));
    server.receive(new Uint8Array(96), byteAtATime);
    assert.equal(server.state, "server-awaits-client-key");
    server.receive(hex("00"));
    assert.equal(server.state, "closed");
  });
});

describe("an engine whose cryptography fails", () => {
  test("does not hide it: that is no fault of the peer's", () => {
    const failure = new Error("no entropy");
    const broken = {
      ...nodeCrypto,
      generateKeyPair: () => {
        throw failure;
      },
    };
    const client = new EngineProbe({ role: "client", crypto: broken });
    assert.throws(() => client.receive(hex("02 01")), failure);
  });
});

test("an engine's key is that of golang-ipc: its peer can open what it seals", () => {
  for (const role of ["client", "server"] as const) {
    const probe = new EngineProbe({ role, encryption: true }).receive(handshakes[role](true));
    probe.takeWrites();
    probe.send(5, hex("68 69"));
    const [sealed] = probe.takeWrites();
    assert.ok(sealed);
    assert.equal(toHex(sealedWire.open(sealed)), "00 00 00 05 68 69");
  }
});
