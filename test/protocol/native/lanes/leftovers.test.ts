import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decodeMessages, decodeRequests } from "#dist/protocol/native/lanes/leftovers.js";
import { Outgoing } from "#dist/protocol/native/lanes/outgoing.js";
import { frameKinds } from "#dist/protocol/native/wire/frame.js";
import { encodeContext } from "#dist/protocol/native/wire/trace-context.js";
import type { RequestContent } from "#dist/protocol/session.js";
import { concat, hex, pattern } from "../../../support/bytes.ts";
import { nativeFrame } from "../../../support/native-frames.ts";

const context = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "a=1",
};

describe("what lay in a lane", () => {
  test("is read as the messages that were written", () => {
    const run = concat(nativeFrame("message", [5], hex("0a")), nativeFrame("message", [0xffff_ffff]));
    assert.deepEqual(decodeMessages([[run], [nativeFrame("message", [6])]]), [
      { type: 5, data: hex("0a") },
      { type: 0xffff_ffff, data: hex("") },
      { type: 6, data: hex("") },
    ]);
  });

  test("is read as the requests that were written", () => {
    const run = concat(
      nativeFrame("request", [1, 5], hex("0a")),
      encodeContext(frameKinds["request-context"], 2, context),
      nativeFrame("request", [2, 6]),
      nativeFrame("admin-request", [3], hex("01")),
      nativeFrame("request", [4, 7]),
    );
    assert.deepEqual(decodeRequests([[run]]), [
      { id: 1, type: 5, data: hex("0a"), context: undefined },
      { id: 2, type: 6, data: hex(""), context },
      { id: 4, type: 7, data: hex(""), context: undefined },
    ]);
  });

  test("is nothing if there was nothing", () => {
    assert.deepEqual(decodeMessages([]), []);
    assert.deepEqual(decodeRequests([]), []);
  });
});

const bodies = fc.array(
  fc.record({
    type: fc.integer({ min: 1, max: 0xffff_ffff }),
    bytes: fc.oneof(fc.nat(50), fc.integer({ min: 64_400, max: 64_600 }), fc.nat(200_000)),
    left: fc.nat(3),
    isTraced: fc.boolean(),
  }),
  { maxLength: 12 },
);

describe("whatever was written and left", () => {
  for (const lane of ["messages", "requests"] as const) {
    test(`comes back whole and once, in the lane of ${lane}`, () => {
      fc.assert(
        fc.property(bodies, (bodies) => {
          const outgoing = new Outgoing();
          outgoing[lane].window = 200_000;
          const written = bodies.map(({ type, bytes, left, isTraced }, index) => {
            const data = pattern(bytes, index);
            const traced = isTraced ? { ...context, tracestate: `request=${index}` } : undefined;
            if (lane === "messages") outgoing.message(type, data);
            else outgoing.request(index + 1, { type, data, context: traced });
            for (let count = 0; count < left && outgoing[lane].nextBytes > 0; count++) outgoing[lane].take();
            return { id: index + 1, type, data, context: lane === "messages" ? undefined : traced };
          });
          const { sent, unsent } = outgoing[lane].drain();
          if (lane === "messages") {
            const read = [...decodeMessages(sent), ...decodeMessages(unsent)];
            check(read, written);
          } else {
            const read = [...decodeRequests(sent), ...decodeRequests(unsent)];
            // Large ones let others pass.
            check(
              read.toSorted((one, other) => one.id - other.id),
              written,
            );
          }
        }),
        { numRuns: 60 },
      );
    });
  }
});

function check(
  read: readonly Omit<RequestContent, "id">[],
  written: readonly Omit<RequestContent, "id">[],
): void {
  const besidesData = ({ type, context }: Omit<RequestContent, "id">) => ({ type, context });
  assert.deepEqual(read.map(besidesData), written.map(besidesData));
  for (const [index, { data }] of written.entries()) {
    assert.ok(Buffer.from(read[index]?.data ?? hex("")).equals(data), `body ${index}`);
  }
}
