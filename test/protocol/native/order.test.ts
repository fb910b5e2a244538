import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { minWindow } from "#dist/protocol/native/wire/lanes.js";
import { pattern } from "../../support/bytes.ts";
import type { nativeDefaults } from "../../support/engine-probe.ts";
import { ResumablePair } from "../../support/resumable-pair.ts";
import { times } from "../../support/thorough.ts";

/** What one end says, in order: a message, a request or an answer with that many bytes of data. */
interface Said {
  readonly kind: "message" | "request" | "answer";
  readonly bytes: number;
}

const hugeWindows = [1e9, 1e9, 1e9] as const;

/** How many messages had arrived before each request and answer, in the order in which they arrived. */
function arrivals(
  pair: ResumablePair,
  said: readonly Said[],
): { readonly before: number; readonly what: string }[] {
  const { client, server } = pair;
  const arrived: { before: number; what: string }[] = [];
  let messages = 0;
  server.overhear = (event) => {
    if (event.kind === "message") messages += 1;
    if (event.kind === "request" || event.kind === "answer") {
      arrived.push({ before: messages, what: `${event.kind} ${event.id}` });
    }
  };
  say(client, said);
  pair.run();
  return arrived;
}

/** Answers are those to the server's requests, in the order of their ids. */
function say({ session }: ResumablePair["client"], said: readonly Said[], answered = 0): void {
  let id = answered;
  for (const { kind, bytes } of said) {
    if (kind === "message") session?.send(1, pattern(bytes));
    else if (kind === "request") session?.request(1, pattern(bytes));
    else session?.answer(++id, pattern(bytes));
  }
}

const countOf = (said: readonly Said[], wanted: Said["kind"]): number =>
  said.filter(({ kind }) => kind === wanted).length;

/** How many messages were said before each request and answer. */
function expected(said: readonly Said[]): Map<string, number> {
  let messages = 0;
  const ids = { request: 0, answer: 0 };
  const before = new Map<string, number>();
  for (const { kind } of said) {
    if (kind === "message") messages += 1;
    else before.set(`${kind} ${++ids[kind]}`, messages);
  }
  return before;
}

/** A pair whose server waits for as many answers as may be said. */
function connected(windows: typeof nativeDefaults.windows = hugeWindows): ResumablePair {
  const pair = new ResumablePair({ native: { windows } }).run();
  for (let asked = 0; asked < 120; asked++) pair.server.session?.request(1, pattern(0));
  return pair.run();
}

function checkOrder(pair: ResumablePair, said: readonly Said[]): void {
  const before = expected(said);
  const arrived = arrivals(pair, said);
  assert.equal(arrived.length, before.size);
  for (const { what, before: messages } of arrived) {
    assert.ok(messages >= (before.get(what) as number), `${what} came after ${messages} messages`);
  }
}

describe("messages that were written before a request or an answer arrive before it", () => {
  for (const kind of ["request", "answer"] as const) {
    for (const count of [1, 5, 20, times(300)]) {
      for (const messageBytes of [0, 100, 10_000, 20_000, 60_000, maxBodyBytes - 4]) {
        for (const bytes of [0, 15_000, maxBodyBytes - 8]) {
          test(`${count} of ${messageBytes} bytes, and ${kind} of ${bytes}`, () => {
            const messages = Array.from(
              { length: count },
              () => ({ kind: "message", bytes: messageBytes }) as const,
            );
            checkOrder(connected(), [...messages, { kind, bytes }, ...messages, { kind, bytes: 1 }]);
          });
        }
      }
    }
  }

  const anySaid = fc.array(
    fc.record({
      kind: fc.constantFrom("message", "request", "answer"),
      bytes: fc.oneof(fc.nat(200), fc.nat(maxBodyBytes - 8)),
    }) as fc.Arbitrary<Said>,
    { maxLength: 60 },
  );

  test("in any mixture", () => {
    fc.assert(
      fc.property(anySaid, (said) => checkOrder(connected(), said)),
      { numRuns: 60 },
    );
  });

  test("also if the connection is lost in between, and they are sent again", () => {
    fc.assert(
      fc.property(anySaid, anySaid, fc.nat(300_000), (before, after, bytes) => {
        const pair = connected();
        const { client, server } = pair;
        let messages = 0;
        const counted = (): void => {
          server.overhear = (event) => {
            if (event.kind === "message") messages += 1;
            if (event.kind !== "request" && event.kind !== "answer") return;
            assert.ok(
              messages >= (order.get(`${event.kind} ${event.id}`) as number),
              `${event.kind} ${event.id}`,
            );
          };
        };
        const said = [...before, ...after];
        const order = expected(said);
        counted();
        say(client, before);
        pair.deliver("server", bytes);
        pair.cut();
        say(client, after, countOf(before, "answer"));
        pair.connect().run();
        assert.equal(messages, countOf(said, "message"));
      }),
      { numRuns: 40 },
    );
  });
});

describe("a request does not wait", () => {
  test("for messages that the peer's window holds up", () => {
    const pair = connected([minWindow, 1e9, 1e9]);
    const said = Array.from({ length: 30 }, () => ({ kind: "message", bytes: 10_000 }) as const);
    const [first] = arrivals(pair, [...said, { kind: "request", bytes: 5 }]);
    assert.ok(first !== undefined && first.before < 30);
  });

  test("for a large message, nor for what was written after that", () => {
    const pair = connected();
    const large = { kind: "message", bytes: 3_000_000 } as const;
    const [first] = arrivals(pair, [large, { kind: "message", bytes: 5 }, { kind: "request", bytes: 5 }]);
    assert.equal(first?.before, 0);
  });

  test("for messages that go on being written, but those before it", () => {
    const pair = connected();
    const { client, server } = pair;
    const fill = (): void => {
      for (let count = 0; count < 50; count++) client.session?.send(1, pattern(10_000));
    };
    fill();
    client.session?.request(1, pattern(5));
    let rounds = 0;
    while (server.unhandled.length === 0 && rounds < 20) {
      // More is always waiting.
      pair.deliver("server", 300_000);
      fill();
      rounds += 1;
    }
    assert.ok(rounds <= 5, `${rounds} rounds`);
  });
});
