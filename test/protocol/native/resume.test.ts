import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "#dist/crypto/node.js";
import { maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { flipBit, pattern } from "../../support/bytes.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";
import {
  digest,
  type ResumableEnd,
  ResumablePair,
  type ResumablePairOptions,
  type Role,
} from "../../support/resumable-pair.ts";

function textOf(contents: readonly { readonly type: number; readonly data: Uint8Array }[]): string[] {
  return contents.map(({ type, data }) => `${type}: ${digest(data)}`);
}

/** What becomes of what `end` has asked: an answer with the same data, or the failure of an even type. */
function expectedOutcomes(end: ResumableEnd): string[] {
  return [...end.asked].map(([id, { type, data }]) =>
    type % 2 === 0 ? `${id}: EVEN type ${type}` : `${id}: ${digest(data)}`,
  );
}

/** Nothing is lost, nothing comes twice, messages come in order, each request is handled once and has its answer. */
function checkAll({ client, server }: ResumablePair): void {
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    assert.deepEqual(one.ends, []);
    assert.deepEqual(textOf(other.taken), textOf(one.sent));
    assert.deepEqual(other.handled.toSorted(byNumber), [...one.asked.keys()]);
    assert.deepEqual(one.outcomes.toSorted(byId), expectedOutcomes(one));
    assert.equal(one.session?.queuedBytes, 0, "all of it is acknowledged");
  }
}

const byNumber = (one: number, other: number): number => one - other;
const byId = (one: string, other: string): number => Number.parseInt(one, 10) - Number.parseInt(other, 10);

function talk({ client, server }: ResumablePair): void {
  for (const end of [client, server]) {
    end.send(1, pattern(3));
    end.ask(1, pattern(5));
    end.send(2, pattern(0));
    end.ask(2, pattern(1));
  }
}

/** Byte by byte in turn, everything read and handled as soon as it is there. The bytes that arrived. */
function deliverBytes(pair: ResumablePair, most: number): number {
  let arrived = 0;
  for (let idle = 0; arrived < most && idle < 4; ) {
    const role: Role = (arrived + idle) % 2 === 0 ? "client" : "server";
    const moved = pair.deliver(role, 1);
    arrived += moved ? 1 : 0;
    idle = moved ? 0 : idle + 1;
    for (const end of pair.ends) while (end.read() || end.handle());
    if (!moved) pair.pass(10);
  }
  return arrived;
}

describe("a connection that is cut", () => {
  for (const encryption of [false, true]) {
    for (const whoNotices of [["client", "server"], ["client"]] as const) {
      const title = `${encryption ? "encrypted" : "plain"}, ${whoNotices.join(" and ")} notice`;

      test(`goes on where it was, whichever byte was the last to arrive (${title})`, () => {
        const total = deliverBytes(begun(encryption), Number.POSITIVE_INFINITY);
        assert.ok(total > 200);
        // An agreement of keys costs a millisecond or two, and there are two for each cut.
        for (let cut = 0; cut <= total; cut += encryption ? 7 : 1) {
          const pair = begun(encryption);
          deliverBytes(pair, cut);
          pair.cut(whoNotices).connect().settle();
          checkAll(pair);
          assert.equal(pair.client.resumed, 1, `after ${cut} bytes`);
          assert.equal(pair.server.resumed, 1);
        }
      });

      test(`goes on even if the next is cut before its handshake is over (${title})`, () => {
        const measured = begun(encryption);
        measured.run().cut().connect().run();
        const total = measured.arrived.client + measured.arrived.server;
        for (let cut = 0; cut <= total; cut += encryption ? 11 : 1) {
          const pair = begun(encryption);
          deliverBytes(pair, 100);
          pair.cut(whoNotices).connect();
          deliverBytes(pair, cut);
          pair.cut(whoNotices).connect().settle();
          checkAll(pair);
        }
      });
    }
  }
});

const limits = { maxMessageBytes: 3_145_728, windows: nativeDefaults.windows };

function begun(encryption: boolean): ResumablePair {
  const pair = new ResumablePair({ encryption }).run();
  talk(pair);
  return pair;
}

for (const encryption of [false, true]) {
  describe(`a client that comes back, ${encryption ? "encrypted" : "plain"}`, () => {
    test("begins a new session with a server that does not know its own", () => {
      const pair = begun(encryption).cut();
      pair.forget();
      const before = pair.client.session;
      pair.connect().run();
      assert.equal(pair.client.opened, 2);
      assert.equal(pair.client.resumed, 0);
      assert.notEqual(pair.client.session, before);
      assert.notDeepEqual(pair.client.session?.identity?.id, before?.identity?.id);
      assert.deepEqual(
        before?.abandon().unsent.map(({ type }) => type),
        [1, 2],
      );
      pair.client.send(3, pattern(3));
      pair.settle();
      assert.deepEqual(
        pair.server.taken.map(({ type }) => type),
        [3],
      );
    });

    test("is refused without the key of its session, and the session is left alone", () => {
      const pair = begun(encryption).settle().cut();
      const kept = pair.client.session;
      assert.ok(kept?.identity !== undefined);
      const { id, resumptionKey = nodeCrypto.sha256(id) } = kept.identity;
      kept.attach(limits, { id, resumptionKey: flipBit(resumptionKey, 0) });
      pair.connect().run();
      for (const end of pair.ends) {
        assert.deepEqual(end.ends.splice(0), ["ERR_AUTHENTICATION_FAILED"]);
        assert.equal(end.resumed, 0);
      }
      assert.equal(pair.client.session, kept);
      kept.attach(limits, { id, resumptionKey });
      pair.connect().settle();
      assert.equal(pair.client.resumed, 1);
      checkAll(pair);
    });
  });
}

type Step = (pair: ResumablePair) => void;

const role: fc.Arbitrary<Role> = fc.constantFrom("client", "server");
/** Small, and around where bodies are cut into parts. */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  { weight: 1, arbitrary: fc.integer({ min: maxBodyBytes - 20, max: maxBodyBytes + 10 }) },
  { weight: 1, arbitrary: fc.nat(300_000) },
);
const type = fc.integer({ min: 1, max: 4 });

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(role, type, size).map(([who, type, size]) => send(who, type, size)) },
    { weight: 3, arbitrary: fc.tuple(role, type, size).map(([who, type, size]) => ask(who, type, size)) },
    { weight: 8, arbitrary: fc.tuple(role, fc.nat(200)).map(([who, bytes]) => deliver(who, bytes)) },
    { weight: 4, arbitrary: fc.tuple(role, fc.nat(200_000)).map(([who, bytes]) => deliver(who, bytes)) },
    { weight: 3, arbitrary: role.map((who) => (pair: ResumablePair) => void pair[who].read()) },
    { weight: 3, arbitrary: role.map((who) => (pair: ResumablePair) => void pair[who].handle()) },
    { weight: 2, arbitrary: fc.nat(30).map((ms) => (pair: ResumablePair) => void pair.pass(ms)) },
    { weight: 1, arbitrary: fc.constant((pair: ResumablePair) => void pair.cut().connect()) },
    { weight: 1, arbitrary: fc.constant((pair: ResumablePair) => void pair.cut(["client"]).connect()) },
    { weight: 1, arbitrary: fc.constant((pair: ResumablePair) => void pair.cut()) },
    { weight: 1, arbitrary: fc.constant((pair: ResumablePair) => void pair.settle()) },
  ),
  { minLength: 5, maxLength: 60 },
);

function send(who: Role, type: number, size: number): Step {
  return (pair) => pair[who].send(type, pattern(size, pair[who].sent.length));
}

function ask(who: Role, type: number, size: number): Step {
  return (pair) => void pair[who].ask(type, pattern(size, pair[who].asked.size));
}

function deliver(to: Role, bytes: number): Step {
  return (pair) => void pair.deliver(to, bytes);
}

describe("a session over connections that break", () => {
  const wires: Record<string, ResumablePairOptions & { readonly runs: number }> = {
    "in the clear": { runs: 400 },
    sealed: { encryption: true, runs: 100 },
    "with windows of different sizes": { native: { windows: [200_000, minWindow, 100_000] }, runs: 100 },
  };
  for (const [how, { runs, ...options }] of Object.entries(wires)) {
    test(`loses nothing, has nothing twice, and keeps its order, ${how}`, () => {
      fc.assert(
        fc.property(steps, (steps) => {
          const pair = new ResumablePair(options).run();
          for (const step of steps) step(pair);
          pair.cut().connect().settle();
          checkAll(pair);
        }),
        { numRuns: runs },
      );
    });
  }
});
