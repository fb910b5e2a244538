import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EngineEvent } from "#dist/protocol/engine-options.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { concat, flipBit, pattern } from "../support/bytes.ts";
import { EnginePair } from "../support/engine-pair.ts";
import type { EngineProbe } from "../support/engine-probe.ts";
import { fixedKeyPair } from "../support/fixed-crypto.ts";
import { clientPrivateKey, serverPrivateKey } from "../support/hand-made-peer.ts";
import { WatchedCrypto } from "../support/watched-crypto.ts";

const sides = ["client", "server"] as const;
const profiles = ["native", "classic"] as const;
type Profile = (typeof profiles)[number];

/** A pair whose secrets are watched at both ends, before its handshake. */
function watchedPair(profile: Profile, resumable = false) {
  const watched = {
    client: new WatchedCrypto(() => fixedKeyPair(clientPrivateKey)),
    server: new WatchedCrypto(() => fixedKeyPair(serverPrivateKey)),
  };
  const end = (side: (typeof sides)[number]) => ({
    encryption: true,
    crypto: watched[side].crypto,
    ...(profile === "native" ? { native: { resumable }, secret: pattern(32) } : {}),
  });
  return { pair: new EnginePair({ client: end("client"), server: end("server") }), watched };
}

/** The same open, after messages of which some were alone and some in batches, both ways. */
function usedPair(profile: Profile) {
  const ends = watchedPair(profile);
  ends.pair.run();
  for (let type = 1; type <= 60; type++) {
    for (const side of sides) ends.pair[side].send(type, pattern(type === 30 ? 5_000 : 40));
    if (type % 3 === 0 || profile === "native") ends.pair.run();
  }
  ends.pair.run();
  ends.pair.clock.advance(1_000);
  assert.equal(ends.pair.client.events.length, 61);
  assert.equal(ends.pair.server.events.length, 61);
  return ends;
}

const ends: Record<string, (one: EngineProbe, pair: EnginePair) => void> = {
  "is closed in order": (one, pair) => {
    one.close();
    pair.run();
    pair.client.passAllTimeouts();
    pair.server.passAllTimeouts();
  },
  "is lost": (_, pair) => {
    for (const side of sides) pair[side].end(new Error("broken"));
  },
  "ends without a word": (_, pair) => {
    for (const side of sides) pair[side].end();
    for (const side of sides) pair[side].engine.abandon();
  },
  "is dropped": (_, pair) => {
    for (const side of sides) pair[side].engine.abandon();
  },
  "gets what does not open": (_, pair) => {
    for (const side of sides) pair[side].send(5, pattern(40));
    const [fromClient, fromServer] = sides.map((side) => concat(...pair[side].takeWrites())) as [
      Uint8Array,
      Uint8Array,
    ];
    pair.client.receive(flipBit(fromServer, 8 * fromServer.length - 1));
    pair.server.receive(flipBit(fromClient, 8 * fromClient.length - 1));
    for (const side of sides) assert.equal(pair[side].error?.code, "ERR_DECRYPTION_FAILED");
  },
  "is closed in vain": (_, pair) => {
    for (const side of sides) pair[side].send(5, pattern(40));
    for (const side of sides) pair[side].close().passAllTimeouts();
  },
  "is closed and then dropped": (_, pair) => {
    for (const side of sides) pair[side].close().engine.abandon();
  },
};

for (const profile of profiles) {
  describe(`a ${profile} engine that has said something`, () => {
    test("has secrets while it lasts", () => {
      const { watched } = usedPair(profile);
      for (const side of sides) assert.ok(watched[side].left.length > 0);
      const seen = watched.client.secrets.map(({ what }) => what);
      if (profile === "native") {
        for (const what of ["client", "server", "resumption", "key", "iv"])
          assert.ok(seen.includes(`an HMAC over ${what}`), what);
        assert.ok(seen.includes("prepared nonces"));
      }
    });

    for (const [name, end] of Object.entries(ends)) {
      test(`leaves none of its secrets in memory when it ${name}`, () => {
        const { pair, watched } = usedPair(profile);
        end(pair.client, pair);
        for (const side of sides) {
          assert.equal(pair[side].state, "closed");
          assert.deepEqual(watched[side].left, [], side);
        }
      });
    }
  });
}

describe("a handshake that comes to nothing", () => {
  /** Runs until the one has written so many bytes, and hands over what is changed of the next. */
  for (const profile of profiles) {
    for (const side of sides) {
      test(`leaves none of its secrets in memory, wherever it is dropped (${profile}, ${side})`, () => {
        for (let steps = 0; steps < 12; steps++) {
          const { pair, watched } = watchedPair(profile);
          for (let step = 0; step < steps; step++) {
            const [from, to] = step % 2 === 0 ? [pair.server, pair.client] : [pair.client, pair.server];
            to.receive(concat(...from.takeWrites()));
          }
          pair[side].engine.abandon();
          assert.deepEqual(watched[side].left, [], `after ${steps} steps`);
        }
      });

      test(`nor whatever is wrong with it, nor when its time is over (${profile}, ${side})`, () => {
        for (let bad = 0; bad < 8; bad++) {
          const { pair, watched } = watchedPair(profile);
          for (let step = 0; step < 8; step++) {
            const [from, to] = step % 2 === 0 ? [pair.server, pair.client] : [pair.client, pair.server];
            const bytes = concat(...from.takeWrites());
            to.receive(step === bad && bytes.length > 0 ? flipBit(bytes, 8 * bytes.length - 1) : bytes);
          }
          pair[side].passAllTimeouts();
          pair[side].engine.abandon();
          assert.deepEqual(watched[side].left, [], `with part ${bad} changed`);
        }
      });
    }
  }
});

describe("the resumption key", () => {
  const sessionOf = (events: readonly EngineEvent[]): NativeSession => {
    const [opened] = events;
    assert.ok(opened?.kind === "open" && opened.native !== undefined);
    return opened.native.session;
  };

  /** The session of a server's engine whose client is back after a loss. */
  function open() {
    const { pair, watched } = watchedPair("native", true);
    const events: EngineEvent[] = [];
    const { engine } = pair.server;
    const nextEvent = engine.nextEvent.bind(engine);
    engine.nextEvent = () => {
      const event = nextEvent();
      if (event !== undefined) events.push(event);
      return event;
    };
    pair.run();
    return { pair, watched, session: sessionOf(events) };
  }

  test("outlives the connection, alone of all its secrets, and is wiped with the session", () => {
    const { pair, watched, session } = open();
    const key = session.identity?.resumptionKey;
    pair.server.end(new Error("broken"));
    assert.deepEqual(watched.server.left, []);
    assert.ok(key?.some((byte) => byte !== 0));
    session.abandon();
    assert.ok(key?.every((byte) => byte === 0));
    assert.equal(session.identity, undefined);
  });

  test("is wiped at once with a session that is closed before anybody has it", (t) => {
    const keys: Uint8Array[] = [];
    const { attach } = NativeSession.prototype;
    t.mock.method(
      NativeSession.prototype,
      "attach",
      function (this: NativeSession, ...given: Parameters<typeof attach>) {
        const [, identity] = given;
        if (identity?.resumptionKey !== undefined) keys.push(identity.resumptionKey);
        attach.apply(this, given);
      },
    );
    const { pair, watched } = watchedPair("native", true);
    for (const side of sides) pair[side].close();
    pair.run();
    for (const side of sides)
      assert.deepEqual([...pair[side].events, ...watched[side].left], ["closed"], side);
    assert.equal(keys.length, 2);
    assert.ok(keys.every((key) => key.every((byte) => byte === 0)));
  });
});
