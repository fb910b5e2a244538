import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, hex } from "../support/bytes.ts";
import { EnginePair } from "../support/engine-pair.ts";
import { EngineProbe } from "../support/engine-probe.ts";
import { clientPublicKey } from "../support/hand-made-peer.ts";

const accepted = hex("00");
const keyBytes = 97;
const maximumSizeBytes = 36;

function server(encryption = true): EngineProbe {
  const probe = new EngineProbe({ role: "server", encryption, waitsForTurns: true });
  probe.takeWrites();
  return probe;
}

const both = { encryption: true, native: {} };

function takeTurn(probe: EngineProbe): number[] {
  probe.engine.allowCostlyStep();
  return probe
    .takeEvents()
    .takeWrites()
    .map(({ length }) => length);
}

describe("a server's engine whose costly steps wait for turns", () => {
  test("computes nothing until it may, and then one step, however much has arrived", () => {
    const probe = server().receive(concat(accepted, clientPublicKey, hex("00")));
    assert.equal(probe.engine.nextStepIsCostly, true);
    assert.deepEqual(probe.takeWrites(), []);
    assert.deepEqual(takeTurn(probe), [keyBytes]);
    assert.equal(probe.engine.nextStepIsCostly, true);
    assert.equal(probe.state, "server-awaits-client-key");
    assert.deepEqual(takeTurn(probe), [maximumSizeBytes]);
    assert.deepEqual(probe.events, ["open encrypted"], "a classic confirmation costs nothing worth a turn");
    assert.equal(probe.engine.nextStepIsCostly, false);
  });

  test("waits with the secrets and the session of a native client, too", () => {
    const { client, server } = new EnginePair({ client: both, server: { ...both, waitsForTurns: true } });
    const exchange = (): void => {
      server.receive(concat(...client.takeEvents().takeWrites()));
      client.receive(concat(...server.takeEvents().takeWrites()));
    };
    client.receive(concat(...server.takeWrites()));
    exchange();
    for (const state of ["server-awaits-answer", "server-awaits-client-key", "server-awaits-confirmation"]) {
      assert.equal(server.state, state);
      assert.equal(server.engine.nextStepIsCostly, true);
      exchange();
      assert.equal(server.state, state, "it may not yet");
      server.engine.allowCostlyStep();
      client.receive(concat(...server.takeEvents().takeWrites()));
      exchange();
    }
    assert.deepEqual([client.events, server.events], [["open encrypted"], ["open encrypted"]]);
    assert.equal(server.engine.nextStepIsCostly, false);
  });

  test("has no step to take until the last byte of the key is there", () => {
    const probe = server().receive(accepted);
    takeTurn(probe);
    for (const byte of clientPublicKey) {
      assert.equal(probe.engine.nextStepIsCostly, false);
      probe.receive(Uint8Array.of(byte));
    }
    assert.equal(probe.engine.nextStepIsCostly, true);
  });

  test("has none before the answer, nor for one that refuses", () => {
    const probe = server();
    assert.equal(probe.engine.nextStepIsCostly, false);
    probe.receive(hex("01"));
    assert.deepEqual(probe.events, ["closed ERR_VERSION_MISMATCH"]);
  });

  test("has none in the clear", () => {
    const probe = server(false).receive(concat(accepted, hex("00")));
    assert.deepEqual(probe.events, ["open plain"]);
  });

  for (const [what, bytes] of [
    ["its key pair is made", accepted],
    ["the keys are agreed on", clientPublicKey],
  ] as const) {
    test(`loses a peer that ends before ${what}, and computes nothing for it`, () => {
      const probe = server();
      if (bytes === clientPublicKey) {
        probe.receive(accepted);
        takeTurn(probe);
      }
      probe.receive(bytes).end();
      assert.deepEqual(probe.events, ["closed ERR_CONNECTION_LOST"]);
      assert.deepEqual(takeTurn(probe), []);
    });
  }

  test("takes the secret of the keys that it names, and wipes it if it has no use for it", () => {
    const probe = server();
    const keys = () => probe.engine.keysToAgreeOn;
    assert.equal(keys(), undefined);
    probe.receive(accepted);
    assert.equal(keys(), undefined, "it has no key pair yet");
    takeTurn(probe);
    assert.equal(keys(), undefined, "the client's key is not there yet");
    probe.receive(clientPublicKey);
    const both = keys();
    assert.deepEqual(both?.peerPublicKey, clientPublicKey);
    const derived = both?.keyPair.deriveSharedSecret(clientPublicKey);
    probe.engine.allowCostlyStep(derived);
    assert.deepEqual(probe.takeEvents().receive(hex("00")).events, ["open encrypted"]);
    assert.equal(keys(), undefined);
    const late = new Uint8Array(48).fill(7);
    probe.engine.allowCostlyStep(late);
    assert.deepEqual(late, new Uint8Array(48));
    probe.engine.allowCostlyStep();
  });

  test("wipes the secret of a key that it refuses", () => {
    const probe = server().receive(accepted);
    probe.engine.allowCostlyStep();
    const [ownKey] = probe.takeEvents().takeWrites();
    probe.receive(ownKey as Uint8Array);
    const secret = new Uint8Array(48).fill(7);
    probe.engine.allowCostlyStep(secret);
    probe.takeEvents();
    assert.deepEqual(probe.events, ["closed ERR_INVALID_PUBLIC_KEY"]);
    assert.deepEqual(secret, new Uint8Array(48));
  });

  test("ends in time while it waits", () => {
    const probe = server().receive(accepted).pass(5_000);
    assert.deepEqual(probe.events, ["closed ERR_HANDSHAKE_TIMEOUT"]);
  });
});
