import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { frameKinds } from "#dist/protocol/native/wire/frame.js";
import { featureBits, noOffers } from "#dist/protocol/native/wire/offers.js";
import { encodeContext } from "#dist/protocol/native/wire/trace-context.js";
import type { TraceContext } from "#dist/protocol/session.js";
import { pattern } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { ResumablePair } from "../../support/resumable-pair.ts";

const offers = {
  ...noOffers,
  features: featureBits.streams | featureBits.context,
  maxConcurrentStreams: 1_000,
  streamWindow: 65_536,
};

const contextOf = (number: number, stateBytes: number): TraceContext => ({
  traceparent: `00-${(number + 1).toString(16).padStart(32, "0")}-b7ad6b7169203331-01`,
  tracestate: `n=${"x".repeat(stateBytes)}`,
});

interface Opened {
  readonly kind: "request" | "stream";
  readonly bytes: number;
  readonly traced: number | undefined;
}

const opened = fc.array(
  fc.record({
    kind: fc.constantFrom("request", "stream"),
    bytes: fc.oneof(
      fc.nat(100),
      fc.integer({ min: 15_800, max: 16_400 }),
      fc.integer({ min: 129_000, max: 131_000 }),
      fc.nat(400_000),
    ),
    traced: fc.option(fc.nat(510), { nil: undefined }),
  }),
  { maxLength: 12 },
);

/** What the server hears of these, as lines in the order of the ids. */
function heard(pair: ResumablePair, all: readonly Opened[], during: () => void): string[][] {
  const lines: Record<Opened["kind"], [number, string][]> = { request: [], stream: [] };
  pair.server.overhear = (event) => {
    if (event.kind !== "request" && event.kind !== "stream") return;
    lines[event.kind].push([event.id, JSON.stringify({ bytes: event.data.length, context: event.context })]);
    if (event.kind === "request") pair.server.session?.consumed("requests", event.position);
  };
  const session = pair.client.session;
  for (const [index, { kind, bytes, traced }] of all.entries()) {
    const context = traced === undefined ? undefined : contextOf(index, traced);
    if (kind === "request") session?.request(1, pattern(bytes), context);
    else session?.streams.open(1, pattern(bytes), context);
    during();
  }
  pair.run();
  return [lines.request, lines.stream].map((of) =>
    of.toSorted(([one], [other]) => one - other).map(([, line]) => line),
  );
}

function expected(all: readonly Opened[]): string[][] {
  return (["request", "stream"] as const).map((wanted) =>
    all.flatMap(({ kind, bytes, traced }, index) =>
      kind === wanted
        ? [JSON.stringify({ bytes, context: traced === undefined ? undefined : contextOf(index, traced) })]
        : [],
    ),
  );
}

describe("the context of a request or a stream", () => {
  test("arrives with it, whatever the sizes, and with nothing else", () => {
    fc.assert(
      fc.property(opened, (all) => {
        const pair = new ResumablePair({ native: { offers } }).run();
        assert.deepEqual(
          heard(pair, all, () => {}),
          expected(all),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("arrives with it, wherever the connection is cut", () => {
    fc.assert(
      fc.property(opened, fc.infiniteStream(fc.nat(4)), (all, cuts) => {
        const pair = new ResumablePair({ native: { offers } }).run();
        const lines = heard(pair, all, () => {
          if (cuts.next().value === 0) pair.cut().connect().run();
        });
        assert.deepEqual(lines, expected(all));
      }),
      { numRuns: 60 },
    );
  });

  test("is refused without the feature, ahead of a request and of a stream", () => {
    const without = { ...offers, features: featureBits.streams };
    for (const kind of ["request-context", "stream-context"] as const) {
      const { server } = new ResumablePair({ native: { offers: without } }).run();
      const frame = encodeContext(frameKinds[kind], 1, contextOf(1, 0));
      assert.equal(
        thrownCode(() => server.session?.incoming.receive({ bytes: frame, owned: false }, 0, frame.length)),
        "ERR_FRAME_INVALID",
      );
    }
  });

  for (const [own, peers] of [
    [offers.features, featureBits.streams],
    [featureBits.streams, offers.features],
  ] as const) {
    test(`is left out if one end has no such feature (${own} and ${peers})`, () => {
      const pair = new ResumablePair({
        native: { offers: { ...offers, features: own } },
        clientNative: { offers: { ...offers, features: peers } },
      }).run();
      const all = [
        { kind: "request", bytes: 3, traced: 5 },
        { kind: "stream", bytes: 3, traced: 5 },
        { kind: "request", bytes: 200_000, traced: 5 },
      ] as const;
      const without = all.map((one) => ({ ...one, traced: undefined }));
      assert.deepEqual(
        heard(pair, all, () => {}),
        expected(without),
      );
    });
  }
});
