import assert from "node:assert/strict";
import fc from "fast-check";
import { maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { pattern } from "../support/bytes.ts";
import { nativeFrame } from "../support/native-frames.ts";
import {
  digest,
  type ResumableEnd,
  ResumablePair,
  type ResumablePairOptions,
  type Role,
} from "../support/resumable-pair.ts";
import { type Target, target } from "./target.ts";

/** A pair, and the requests that each end has given up. */
interface Talk {
  readonly pair: ResumablePair;
  readonly givenUp: Record<Role, Set<number>>;
}

type Step = (talk: Talk) => void;

/** More has a frame for itself. */
const maxShared = 16_384 - nativeFrame("request", [1, 1]).length;
/** More does not fit into one frame, and takes turns with what comes after it. */
const maxInFrame = maxBodyBytes - 8;
const role = fc.constantFrom<Role>("client", "server");
const type = fc.integer({ min: 1, max: 4 });
const size = fc.oneof(
  { weight: 60, arbitrary: fc.nat(40) },
  { weight: 1, arbitrary: fc.integer({ min: maxShared - 15, max: maxShared + 15 }) },
  { weight: 1, arbitrary: fc.integer({ min: maxInFrame - 15, max: maxInFrame + 15 }) },
  { weight: 1, arbitrary: fc.nat(300_000) },
);

function send(who: Role, type: number, bytes: number): Step {
  return ({ pair }) => pair[who].send(type, pattern(bytes, pair[who].sent.length));
}

function ask(who: Role, type: number, bytes: number): Step {
  return ({ pair }) => void pair[who].ask(type, pattern(bytes, pair[who].asked.size));
}

function cancel(who: Role): Step {
  return ({ pair, givenUp }) => {
    const settled = new Set(pair[who].outcomes.map((outcome) => Number.parseInt(outcome, 10)));
    // A new one as well as an old one: its cancel may overtake it.
    const id = [...pair[who].asked.keys()].findLast((id) => !settled.has(id) && !givenUp[who].has(id));
    if (id === undefined) return;
    givenUp[who].add(id);
    pair[who].session?.cancel(id);
  };
}

/** Whether the end of the old connection is seen, and by whom; whether there is a new one at once, and how far it gets. */
function cut(whoNotices: readonly Role[], reconnects: boolean, bytes: readonly number[]): Step {
  return ({ pair }) => {
    pair.cut(whoNotices);
    if (!reconnects) return;
    pair.connect();
    bytes.forEach((count, index) => {
      pair.deliver(index % 2 === 0 ? "client" : "server", count);
    });
  };
}

const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(role, type, size).map((given) => send(...given)) },
    { weight: 4, arbitrary: fc.tuple(role, type, size).map((given) => ask(...given)) },
    { weight: 1, arbitrary: role.map(cancel) },
    {
      weight: 8,
      arbitrary: fc.tuple(role, fc.nat(200)).map<Step>(([who, count]) => ({ pair }) => {
        pair.deliver(who, count);
      }),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(role, fc.nat(200_000)).map<Step>(([who, count]) => ({ pair }) => {
        pair.deliver(who, count);
      }),
    },
    {
      weight: 4,
      arbitrary: role.map<Step>((who) => ({ pair }) => {
        pair[who].read();
      }),
    },
    {
      weight: 4,
      arbitrary: role.map<Step>((who) => ({ pair }) => {
        pair[who].handle();
      }),
    },
    {
      weight: 2,
      arbitrary: fc.nat(30).map<Step>((ms) => ({ pair }) => {
        pair.pass(ms);
      }),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom<readonly Role[]>(["client", "server"], ["client"]),
          fc.constantFrom(true, true, true, false),
          fc.array(fc.nat(400), { maxLength: 8 }),
        )
        .map((given) => cut(...given)),
    },
  ),
  { maxLength: 40 },
);

const texts = (contents: readonly { type: number; data: Uint8Array }[]): string[] =>
  contents.map(({ type, data }) => `${type}: ${digest(data)}`);
const byId = (one: string, other: string): number => Number.parseInt(one, 10) - Number.parseInt(other, 10);

function outcomeOf(id: number, { type, data }: { type: number; data: Uint8Array }): string {
  return type % 2 === 0 ? `${id}: EVEN type ${type}` : `${id}: ${digest(data)}`;
}

/** What `one` has said, and what `other` has heard of it. */
function check(one: ResumableEnd, other: ResumableEnd, givenUp: ReadonlySet<number>): void {
  assert.deepEqual(one.ends, []);
  assert.deepEqual(texts(other.taken), texts(one.sent));
  assert.ok(other.cancelled.every((id) => givenUp.has(id)));
  assert.equal(new Set(other.cancelled).size, other.cancelled.length, "a cancel is told once");
  const isSmall = (id: number): boolean => (one.asked.get(id)?.data.length ?? 0) <= maxInFrame;
  // One that was given up is handled, or not if its cancel came first.
  const handled = new Set(other.handled);
  assert.equal(handled.size, other.handled.length, "no request is handled twice");
  const ids = [...one.asked.keys()].filter((id) => handled.has(id) || !givenUp.has(id));
  assert.deepEqual(other.handled.filter(isSmall), ids.filter(isSmall), "small requests keep their order");
  assert.deepEqual(
    other.handled.toSorted((a, b) => a - b),
    ids,
  );
  const awaited = [...one.asked].filter(([id]) => !givenUp.has(id));
  const expected = awaited.map(([id, asked]) => outcomeOf(id, asked));
  assert.deepEqual(one.outcomes.toSorted(byId), expected);
  const { session } = one;
  assert.equal(session?.queuedBytes, 0, "all of it is acknowledged");
  assert.equal(session?.keptBytes, 0, "nothing more is kept");
}

function resumed(name: string, options: ResumablePairOptions): Target {
  return target(
    `native pair, ${name}: over whatever cuts and resumes, all arrives once and each lane keeps its order`,
    60,
    steps,
    (list) => {
      const pair = new ResumablePair(options).run();
      const givenUp = { client: new Set<number>(), server: new Set<number>() };
      for (const step of list) step({ pair, givenUp });
      pair.cut().connect().settle();
      const { client, server } = pair;
      check(client, server, givenUp.client);
      check(server, client, givenUp.server);
      client.engine?.close();
      pair.listen(client);
      pair.run();
      assert.deepEqual([client.ends, server.ends], [["in order"], ["in order"]]);
    },
  );
}

export const nativePairTargets: readonly Target[] = [
  resumed("plain", {}),
  resumed("sealed", { encryption: true }),
  resumed("plain, with windows of different sizes", {
    native: { windows: [200_000, minWindow, 100_000] },
  }),
];
