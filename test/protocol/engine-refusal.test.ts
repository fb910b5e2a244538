import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, hex } from "../support/bytes.ts";
import { EngineProbe } from "../support/engine-probe.ts";
import { clientHandshake, serverHandshake } from "../support/engine-states.ts";
import { wireFor } from "../support/hand-made-peer.ts";

const handshakes = { client: serverHandshake, server: clientHandshake };

describe("an engine that insists on native, with a peer that does not speak it", () => {
  for (const role of ["client", "server"] as const) {
    for (const encryption of [false, true]) {
      const insists = () => new EngineProbe({ role, encryption, profile: "native", native: {} });
      const title = `(${role}, ${encryption ? "encrypted" : "plain"})`;

      test(`completes the handshake, closes in order and says why ${title}`, () => {
        const probe = insists().receive(handshakes[role](encryption));
        assert.equal(probe.state, "closing");
        assert.equal(probe.engine.outputEnded, role === "server", "a client waits a moment");
        probe.takeWrites();
        probe.pass(20);
        assert.equal(probe.engine.outputEnded, true);
        assert.deepEqual(probe.events, []);
        probe.end();
        assert.deepEqual(probe.events, ["closed ERR_PEER_NOT_NATIVE"]);
      });

      test(`delivers nothing that came with the handshake or comes after it ${title}`, () => {
        const message = wireFor(encryption).message(5, hex("01"));
        const probe = insists()
          .receive(concat(handshakes[role](encryption), message))
          .receive(message);
        probe.takeWrites();
        assert.deepEqual(probe.passAllTimeouts().events, ["closed ERR_PEER_NOT_NATIVE"]);
      });

      test(`writes what a classic engine would that is closed at once, and nothing more ${title}`, () => {
        const written = [insists(), new EngineProbe({ role, encryption })].map((probe) => {
          probe.receive(handshakes[role](encryption)).close();
          return probe.takeWrites().map(({ length }) => length);
        });
        if (role === "server" && !encryption)
          assert.deepEqual(written, [
            [2, 16],
            [2, 8],
          ]);
        else assert.deepEqual(written[0], written[1]);
      });

      test(`sends nothing ${title}`, () => {
        const { session } = insists().receive(handshakes[role](encryption));
        assert.equal(session, undefined);
      });
    }
  }

  test("says why though the peer is gone already, or never ends", () => {
    const gone = new EngineProbe({ role: "server", profile: "native", native: {} });
    gone.engine.receive(clientHandshake(false));
    assert.deepEqual(gone.end().events, ["closed ERR_PEER_NOT_NATIVE"]);
    const silent = new EngineProbe({ role: "client", profile: "native", native: {} }).receive(
      serverHandshake(false),
    );
    assert.deepEqual(silent.passAllTimeouts().events, ["closed ERR_PEER_NOT_NATIVE"]);
  });
});
