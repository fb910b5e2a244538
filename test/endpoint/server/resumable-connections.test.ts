import "../../support/mocked-timers.ts";
import assert from "node:assert/strict";
import { describe, mock, type TestContext, test } from "node:test";
import { PeerError, type SealpipeError } from "sealpipe";
import type { ConnectionLife } from "#dist/endpoint/server/connection-life.js";
import { ResumableConnections } from "#dist/endpoint/server/resumable-connections.js";
import { NativeSession } from "#dist/protocol/native/session.js";
import { pattern } from "../../support/bytes.ts";
import { nativeDefaults } from "../../support/engine-probe.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const { windows } = nativeDefaults;
const limits = { resumeWindowMs: 1_000, maxDetachedSessions: 3, maxDetachedBytes: 1_000 };

function mockTimeouts(t: TestContext): void {
  // Deno keeps what the test before had enabled.
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ["setTimeout"] });
}

/** What the store asks of a connection. */
class RecordingConnection {
  readonly told: string[] = [];
  readonly session = new NativeSession({ maxMessageBytes: 1_000, windows });
  keptBytes = 0;
  mayBeResumed = true;
  error: SealpipeError | undefined;
  onGivenUp = (): void => {};
  readonly #store: ResumableConnections;

  constructor(store: ResumableConnections, id: number | undefined) {
    this.#store = store;
    const identity = id === undefined ? undefined : { id: pattern(16, id), resumptionKey: pattern(32) };
    this.session.attach({ maxMessageBytes: 1_000, windows }, identity);
  }

  giveUp(error: SealpipeError): void {
    this.told.push("given up");
    this.error = error;
    this.onGivenUp();
    this.#store.closed(this.asLife);
  }

  get asLife(): ConnectionLife {
    return this as unknown as ConnectionLife;
  }
}

function setUp(some: Partial<typeof limits> = {}) {
  const clock = new FakeClock();
  const store = new ResumableConnections({ ...limits, ...some }, () => clock.now());
  const connect = (id?: number): RecordingConnection => {
    const connection = new RecordingConnection(store, id);
    store.opened(connection.asLife);
    return connection;
  };
  const lose = (id: number, keptBytes = 0): RecordingConnection => {
    const connection = connect(id);
    connection.keptBytes = keptBytes;
    store.lost(connection.asLife);
    return connection;
  };
  return { store, connect, lose, clock };
}

const idOf = ({ session }: RecordingConnection): Uint8Array => session.identity?.id ?? pattern(16, 99);

describe("a server's resumable connections", () => {
  test("are found by their sessions' ids, until they are over", () => {
    const { store, connect } = setUp();
    const one = connect(1);
    const other = connect(2);
    assert.equal(store.find(Uint8Array.from(idOf(one))), one.session);
    assert.equal(store.resumed(other.session), other.asLife);
    store.closed(one.asLife);
    assert.equal(store.find(idOf(one)), undefined);
    assert.equal(store.find(pattern(16, 3)), undefined);
    assert.equal(store.find(idOf(other)), other.session);
  });

  test("are not found if their sessions cannot be resumed, or are being closed", () => {
    const { store, connect } = setUp();
    const without = connect();
    assert.equal(store.resumed(without.session), undefined);
    store.closed(without.asLife);
    const closing = connect(1);
    closing.mayBeResumed = false;
    assert.equal(store.find(idOf(closing)), undefined);
  });

  test("are waited for no more when their client is back", (t) => {
    mockTimeouts(t);
    const { store, lose, connect } = setUp();
    for (const connection of [connect(1), lose(2)]) {
      assert.equal(store.resumed(connection.session), connection.asLife);
    }
    assert.deepEqual([...store.detached], []);
    t.mock.timers.tick(10_000);
    assert.equal(store.resumed(new NativeSession({ maxMessageBytes: 1, windows })), undefined);
  });

  test("are given up when their client is not back in time", (t) => {
    mockTimeouts(t);
    const { store, lose } = setUp();
    const connection = lose(1);
    assert.deepEqual([...store.detached], [connection.asLife]);
    t.mock.timers.tick(999);
    assert.deepEqual(connection.told, []);
    t.mock.timers.tick(1);
    assert.deepEqual(connection.told, ["given up"]);
    assert.equal(connection.error?.code, "ERR_CONNECTION_LOST");
    assert.match(connection.error?.message ?? "", /did not come back within 1000 ms/);
    assert.deepEqual([...store.detached], []);
  });

  test("that are given up are those lost first, if there are too many", () => {
    const { lose, store } = setUp();
    const all = [1, 2, 3, 4, 5].map((id) => lose(id));
    assert.deepEqual(
      all.map(({ told }) => told.length),
      [1, 1, 0, 0, 0],
    );
    assert.match(all[0]?.error?.message ?? "", /one of too many/);
    assert.equal([...store.detached].length, 3);
    for (const connection of all) store.closed(connection.asLife);
  });

  test("that are given up are those lost first, if too many bytes are kept for all", () => {
    const { lose, store } = setUp();
    const all = [1, 2].map((id) => lose(id, 450));
    const third = lose(3, 200);
    assert.deepEqual(
      all.map(({ told }) => told.length),
      [1, 0],
    );
    third.keptBytes = 1_001;
    store.enforce();
    assert.deepEqual(third.told, ["given up"], "one alone is not too many, but too much");
    store.enforce();
    for (const connection of all) store.closed(connection.asLife);
  });

  const long = { ageMs: 3_600_000, settledBytes: 10_000, keptBytes: 10 };
  const brief = { ageMs: 100, settledBytes: 100, keptBytes: 10 };
  const idle = { ageMs: 3_600_000, settledBytes: 0, keptBytes: 10 };
  const junk = { ageMs: 0, settledBytes: 0, keptBytes: 0 };
  const quick = { ageMs: 10, settledBytes: 1_000_000, keptBytes: 10 };
  const hoard = { ageMs: 3_600_000, settledBytes: 10_000, keptBytes: 900 };
  for (const { what, sessions, givenUp } of [
    { what: "one that was opened only to be dropped", sessions: [long, brief, junk, idle], givenUp: [2] },
    {
      what: "one that has settled nothing, however long it was there",
      sessions: [idle, brief, long, quick],
      givenUp: [0],
    },
    { what: "a brief one", sessions: [long, brief, quick, long], givenUp: [1] },
    { what: "one that has settled much in no time", sessions: [long, quick, long, long], givenUp: [1] },
    { what: "the one lost first of equals", sessions: [brief, brief, brief, brief], givenUp: [0] },
    {
      what: "those of a peer that drops many",
      sessions: [long, ...Array(20).fill(junk), long],
      givenUp: [...Array(19).keys()].map((index) => index + 1),
    },
    {
      what: "for bytes: a brief one",
      sessions: [{ ...brief, keptBytes: 200 }, hoard, long],
      givenUp: [0],
    },
    {
      what: "for bytes: the one that keeps more, of equals",
      sessions: [{ ...long, keptBytes: 500 }, hoard],
      givenUp: [1],
    },
    {
      what: "for bytes: one that keeps much more than one of half its age",
      sessions: [{ ...long, ageMs: 1_800_000, keptBytes: 150 }, hoard],
      givenUp: [1],
    },
    {
      what: "for bytes: none that keeps none",
      sessions: [junk, hoard, { ...long, keptBytes: 200 }],
      givenUp: [1],
    },
    {
      what: "for bytes: one that has settled nothing",
      sessions: [
        { ...long, keptBytes: 900 },
        { ...junk, keptBytes: 150 },
      ],
      givenUp: [1],
    },
  ]) {
    test(`that are given up have the least standing: ${what}`, () => {
      const { store, connect, clock } = setUp();
      const ages = new Set(sessions.map(({ ageMs }) => ageMs));
      const oldestFirst = [...ages].sort((one, other) => other - one);
      const all = new Map<number, RecordingConnection>();
      oldestFirst.forEach((ageMs, rank) => {
        sessions.forEach((session, index) => {
          if (session.ageMs === ageMs) all.set(index, connect(index));
        });
        clock.advance(ageMs - (oldestFirst[rank + 1] ?? 0));
      });
      const told: number[] = [];
      sessions.forEach(({ settledBytes, keptBytes }, index) => {
        const connection = all.get(index) ?? assert.fail();
        connection.keptBytes = keptBytes;
        Object.defineProperty(connection.session, "settledBytes", { value: settledBytes });
        connection.onGivenUp = () => told.push(index);
        store.lost(connection.asLife);
      });
      assert.deepEqual(told, givenUp);
      for (const connection of all.values()) store.closed(connection.asLife);
    });
  }

  test("are given up once each, whatever their listener does", () => {
    const { store, lose } = setUp({ maxDetachedSessions: 1 });
    const first = lose(1);
    first.onGivenUp = () => store.enforce();
    const second = lose(2);
    assert.deepEqual(first.told, ["given up"]);
    assert.deepEqual(second.told, []);
    store.closed(second.asLife);
  });

  test("keep no timer that keeps the process alive", () => {
    const timers = mock.method(globalThis, "setTimeout");
    try {
      const { lose, store } = setUp();
      const connection = lose(1);
      const timer = timers.mock.calls[0]?.result as NodeJS.Timeout;
      assert.equal(timer.hasRef(), false);
      store.closed(connection.asLife);
    } finally {
      timers.mock.restore();
    }
  });
});

test("of clients that did not read, the last 64 are known, and no others", () => {
  const { store, connect } = setUp();
  const fellBehind = new PeerError("ERR_QUEUE_FULL", "too much waits");
  for (let id = 1; id <= 65; id++) store.closed(connect(id).asLife, fellBehind);
  store.closed(connect(100).asLife, new PeerError("ERR_CONNECTION_LOST", "it is gone"));
  store.closed(connect(101).asLife);
  assert.deepEqual(
    [1, 2, 65, 100, 101, 102].map((id) => store.find(pattern(16, id))),
    [undefined, { ended: "ERR_FELL_BEHIND" }, { ended: "ERR_FELL_BEHIND" }, undefined, undefined, undefined],
  );
});
