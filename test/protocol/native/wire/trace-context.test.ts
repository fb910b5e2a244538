import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { frameHeaderBytes, frameKinds } from "#dist/protocol/native/wire/frame.js";
import {
  decodeContext,
  encodeContext,
  isTracestate,
  knownTraceparent,
  maxTracestateBytes,
} from "#dist/protocol/native/wire/trace-context.js";
import { concat, hex, toHex } from "../../../support/bytes.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${parentId}-01`;

describe("a traceparent", () => {
  test("is known in version 00, and a later one by the fields of that", () => {
    assert.equal(knownTraceparent(traceparent), traceparent);
    assert.equal(knownTraceparent(`00-${traceId}-${parentId}-ff`), `00-${traceId}-${parentId}-ff`);
    assert.equal(knownTraceparent(`01-${traceId}-${parentId}-01`), traceparent);
    assert.equal(knownTraceparent(`fe-${traceId}-${parentId}-01-what is new`), traceparent);
  });

  for (const [what, text] of [
    ["of version ff", `ff-${traceId}-${parentId}-01`],
    ["with more than version 00 has", `${traceparent}-00`],
    ["with more that no dash precedes", `01-${traceId}-${parentId}-0100`],
    ["with a trace id of zeros", `00-${"0".repeat(32)}-${parentId}-01`],
    ["with a parent id of zeros", `00-${traceId}-${"0".repeat(16)}-01`],
    ["in capitals", traceparent.toUpperCase()],
    ["that is short", traceparent.slice(0, -1)],
    ["with a line break after it", `${traceparent}\n`],
    ["with something else before it", ` ${traceparent}`],
    ["that is empty", ""],
  ] as const) {
    test(`${what} is none`, () => assert.equal(knownTraceparent(text), undefined));
  }
});

describe("a tracestate", () => {
  test("is up to 512 printable ASCII characters", () => {
    for (const text of ["", "a=1, b=2", " ", "~".repeat(maxTracestateBytes)])
      assert.ok(isTracestate(text), text);
    for (const text of ["~".repeat(513), "\u007f", "\u001f", "é", "a\n", "\0"])
      assert.ok(!isTracestate(text), text);
  });
});

describe("the frame of a context", () => {
  test("has the id, the fields of the traceparent as bytes, and the tracestate", () => {
    const frame = encodeContext(frameKinds["stream-context"], 0x0102_0304, {
      traceparent,
      tracestate: "a=1",
    });
    const fields = hex(`00 ${traceId} ${parentId} 01`.replaceAll(" ", "").replace(/../g, "$& ").trim());
    assert.equal(toHex(frame), toHex(concat(hex("49 00 00 21 01 02 03 04"), fields, hex("61 3d 31"))));
  });

  test("is read as what was written, whatever that is", () => {
    const hexOf = (bytes: number) =>
      fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((array) => Buffer.from(array).toString("hex"));
    const contexts = fc.record({
      traceId: hexOf(16).filter((id) => id !== "0".repeat(32)),
      parentId: hexOf(8).filter((id) => id !== "0".repeat(16)),
      flags: hexOf(1),
      tracestate: fc.string({
        unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
        maxLength: 512,
      }),
    });
    fc.assert(
      fc.property(contexts, ({ traceId, parentId, flags, tracestate }) => {
        const context = { traceparent: `00-${traceId}-${parentId}-${flags}`, tracestate };
        const frame = encodeContext(frameKinds["request-context"], 1, context);
        const expected = tracestate === "" ? { traceparent: context.traceparent } : context;
        assert.deepEqual(decodeContext(frame.subarray(frameHeaderBytes + 4)), expected);
      }),
    );
  });

  test("of any bytes is a context or ERR_FRAME_INVALID", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 26, maxLength: 540 }), (body) => {
        try {
          assert.notEqual(knownTraceparent(decodeContext(body).traceparent), undefined);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "ERR_FRAME_INVALID");
        }
      }),
    );
  });
});
