import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "#dist/crypto/node.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { resumptionProof } from "#dist/protocol/native/wire/key-schedule.js";
import type { Positions } from "#dist/protocol/native/wire/lanes.js";
import { AwaitingHello } from "../../support/awaiting-hello.ts";
import { flipBit, hex, pattern, toHex } from "../../support/bytes.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";

const { windows } = nativeDefaults;
const id = pattern(16);
const resumptionKey = pattern(32, 1);
const none = [0, 0, 0] as const;

/** A session of an earlier connection, in which nothing was said. */
function earlier(streams?: ConstructorParameters<typeof NativeSession>[0]["streams"]): NativeSession {
  const session = new NativeSession({ maxMessageBytes: 1_000, windows, streams });
  session.attach({ maxMessageBytes: 1_000, windows }, { id, resumptionKey });
  return session;
}

const failed = ["closed ERR_AUTHENTICATION_FAILED"];

interface Changed {
  readonly key?: Uint8Array;
  readonly transcript?: Uint8Array;
  readonly sessionId?: Uint8Array;
  readonly received?: Positions;
  readonly side?: "client" | "server";
}

/** The peer's proof on this connection, or one of something else. */
function proofOf(ends: AwaitingHello, changed: Changed = {}): Uint8Array {
  const side = changed.side ?? (ends.role === "client" ? "server" : "client");
  const proof = resumptionProof(
    side,
    {
      resumptionKey: changed.key ?? resumptionKey,
      transcript: changed.transcript ?? ends.peer.native?.transcript ?? hex(""),
      sessionId: changed.sessionId ?? id,
      received: changed.received ?? none,
    },
    nodeCrypto,
  );
  return Uint8Array.from(proof);
}

const wrongProofs: Record<string, Changed> = {
  "made with another key": { key: pattern(32, 2) },
  "of another connection": { transcript: pattern(32, 3) },
  "of another session": { sessionId: pattern(16, 4) },
  "of another position in the lane of messages": { received: [1, 0, 0] },
  "of another position in the lane of requests": { received: [0, 1, 0] },
  "of another position in the lane of answers": { received: [0, 0, 1] },
};

/** The code with which the engine tells its peer that it refuses what that said. */
function refusal(ends: AwaitingHello): string | undefined {
  const { session } = ends.saidHello();
  return session.kind === "refused" ? session.code : undefined;
}

describe("a server that is asked to resume a session", () => {
  function server(encryption = true, peersPrivateKey?: Uint8Array, session = earlier()) {
    const find = (wanted: Uint8Array) => (toHex(wanted) === toHex(id) ? session : undefined);
    const native = { resumable: true };
    const ends = new AwaitingHello({ role: "server", encryption, peersPrivateKey, native, find });
    const resumed = () =>
      ends.events.flatMap((event) => (event.kind === "open" && event.native?.resumed ? [ends.session] : []));
    const ask = (proof: Uint8Array, sessionId = id, received: Positions = none) =>
      ends.hearHello({ kind: "resume", sessionId, received, proof });
    return { ends, ask, resumed, session };
  }

  test("goes on with it if the client proves that it had part in it, and proves so itself", () => {
    const { ends, ask, resumed, session } = server();
    ask(proofOf(ends));
    assert.deepEqual(ends.told, ["open native encrypted"]);
    assert.deepEqual(resumed(), [session]);
    const proof = proofOf(ends, { side: "server" });
    assert.deepEqual(ends.saidHello().session, { kind: "resumed", received: none, proof });
  });

  test("has the lane of streams, if it has one, in both proofs", () => {
    const streams = { side: "server", maxConcurrent: 1, window: 65_536 } as const;
    const outcomes = [none, [0, 0, 0, 1], [0, 0, 0, 0]].map((received) => {
      const { ends, ask } = server(true, undefined, earlier(streams));
      return ask(proofOf(ends, { received: received as unknown as Positions })).told;
    });
    assert.deepEqual(outcomes, [failed, failed, ["open native encrypted"]]);
  });

  for (const [name, changed] of Object.entries(wrongProofs)) {
    test(`refuses a proof ${name}, and leaves the session alone`, () => {
      const { ends, ask, resumed } = server();
      ask(proofOf(ends, changed));
      assert.deepEqual(ends.told, failed);
      assert.deepEqual(resumed(), []);
      assert.equal(refusal(ends), "ERR_AUTHENTICATION_FAILED");
    });
  }

  test("refuses a proof with any bit changed, and its own side's", () => {
    for (let bit = 0; bit < 256; bit++) {
      const { ends, ask } = server();
      assert.deepEqual(ask(flipBit(proofOf(ends), bit)).told, failed);
    }
    const { ends, ask } = server();
    assert.deepEqual(ask(proofOf(ends, { side: "server" })).told, failed);
  });

  test("refuses a proof that was right on another connection, and leaves the session alone", () => {
    const before = server();
    const proof = proofOf(before.ends);
    assert.deepEqual(before.ask(proof).told, ["open native encrypted"]);
    // A connection whose keys are others, as they always are.
    const { ends, ask, resumed } = server(true, pattern(48, 5));
    assert.deepEqual(ask(proof).told, failed);
    assert.deepEqual(resumed(), []);
    assert.notDeepEqual(ends.peer.native?.transcript, before.ends.peer.native?.transcript);
  });

  test("refuses positions that it cannot go on from, and leaves the session alone", () => {
    for (const received of [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 71],
    ] as const) {
      const { ends, ask, resumed } = server();
      ask(proofOf(ends, { received }), id, received);
      assert.deepEqual(ends.told, ["closed ERR_FRAME_INVALID"]);
      assert.deepEqual(resumed(), []);
      assert.equal(refusal(ends), "ERR_FRAME_INVALID");
    }
  });

  test("takes in the clear a proof without a transcript", () => {
    const { ends, ask } = server(false);
    assert.deepEqual(ask(proofOf(ends)).told, ["open native plain"]);
  });

  test("begins a new one if it does not know it, whatever the proof", () => {
    const { ends, ask, resumed } = server();
    ask(pattern(32), pattern(16, 9));
    assert.deepEqual(ends.told, ["open native encrypted"]);
    assert.deepEqual(resumed(), []);
    assert.equal(ends.saidHello().session.kind, "new");
  });
});

test("an engine that closes takes no session over: that is still another connection's", () => {
  const session = earlier();
  const find = () => session;
  const ends = new AwaitingHello({ role: "server", encryption: true, native: { resumable: true }, find });
  ends.close();
  ends.hearHello({ kind: "resume", sessionId: id, received: none, proof: proofOf(ends) });
  assert.deepEqual(ends.told, []);
  assert.equal(ends.saidHello().session.kind, "new");
  assert.equal(session.isResumable, true);
});

test("a mistake of our own, as a session is resumed, is not hidden as a peer's fault", (t) => {
  const session = earlier();
  const failure = new Error("out of order");
  t.mock.method(session.outgoing, "rewind", () => {
    throw failure;
  });
  const find = () => session;
  const ends = new AwaitingHello({ role: "server", encryption: true, native: { resumable: true }, find });
  const hello = { kind: "resume", sessionId: id, received: none, proof: proofOf(ends) } as const;
  assert.throws(() => ends.hearHello(hello), failure);
});

test("a session that begins in the clear can be resumed with what everyone can read, its id", () => {
  const ends = new AwaitingHello({ role: "server", encryption: false, native: { resumable: true } });
  const [opened] = ends.hearHello({ kind: "new" }).events;
  const identity = opened?.kind === "open" ? opened.native?.session.identity : undefined;
  const said = ends.saidHello().session;
  assert.ok(identity && said.kind === "new" && said.sessionId);
  assert.equal(toHex(identity.id), toHex(said.sessionId));
  const session = new NativeSession({ maxMessageBytes: 1_000, windows });
  session.attach({ maxMessageBytes: 1_000, windows }, identity);
  const resume = (key: Uint8Array) => {
    const native = { resumable: true };
    const again = new AwaitingHello({ role: "server", encryption: false, native, find: () => session });
    const proof = proofOf(again, { key, sessionId: identity.id });
    return again.hearHello({ kind: "resume", sessionId: identity.id, received: none, proof }).told;
  };
  assert.deepEqual(resume(identity.id), failed);
  assert.deepEqual(resume(nodeCrypto.sha256(identity.id)), ["open native plain"]);
});

describe("a client that asks to resume its session", () => {
  const client = () =>
    new AwaitingHello({
      role: "client",
      encryption: true,
      native: { resumable: true, session: earlier() },
    });

  test("proves that it had part in it, on this connection", () => {
    const ends = client();
    const proof = proofOf(ends, { side: "client" });
    assert.deepEqual(ends.saidHello().session, { kind: "resume", sessionId: id, received: none, proof });
  });

  test("goes on with it if the server proves so too", () => {
    const ends = client();
    ends.hearHello({ kind: "resumed", received: none, proof: proofOf(ends) });
    assert.deepEqual(ends.told, ["open native encrypted"]);
  });

  for (const [name, changed] of Object.entries(wrongProofs)) {
    test(`refuses a server with a proof ${name}`, () => {
      const ends = client();
      ends.hearHello({ kind: "resumed", received: none, proof: proofOf(ends, changed) });
      assert.deepEqual(ends.told, failed);
    });
  }

  test("refuses its own proof sent back", () => {
    const ends = client();
    ends.hearHello({ kind: "resumed", received: none, proof: proofOf(ends, { side: "client" }) });
    assert.deepEqual(ends.told, failed);
  });
});

describe("a client that has no session to resume", () => {
  const client = (resumable: boolean) =>
    new AwaitingHello({ role: "client", encryption: true, native: { resumable } });

  test("refuses to have one resumed", () => {
    const ends = client(true);
    ends.hearHello({ kind: "resumed", received: none, proof: pattern(32) });
    assert.deepEqual(ends.told, ["closed ERR_FRAME_INVALID"]);
  });

  test("refuses a new one if it asked for none", () => {
    const begun = { kind: "new", sessionId: id } as const;
    assert.deepEqual(client(false).hearHello(begun).told, ["closed ERR_FRAME_INVALID"]);
    assert.deepEqual(client(true).hearHello(begun).told, ["open native encrypted"]);
  });
});
