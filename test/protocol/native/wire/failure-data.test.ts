import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NativeSession } from "#dist/protocol/native/session.js";
import { maxFailureDataBytes } from "#dist/protocol/native/wire/failure.js";
import { frameHeaderBytes, maxBodyBytes } from "#dist/protocol/native/wire/frame.js";
import { featureBits, noOffers } from "#dist/protocol/native/wire/offers.js";
import { concat, hex, pattern, toHex } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { ResumablePair } from "../../../support/resumable-pair.ts";
import { nativeFeatureFrames } from "../../../support/vectors.ts";

const limits = { maxMessageBytes: 1_000_000, windows: [65_536, 65_536, 65_536] as const };
const features: number = featureBits["failure-data"];

/** A session with that feature or without. */
function session(has: number): NativeSession {
  const made = new NativeSession({ ...limits, features: has });
  made.attach(limits, undefined);
  return made;
}

/** What a session makes of the frame that has asked one request. */
function read(frame: Uint8Array, has = features) {
  const asker = session(has);
  asker.request(1, hex(""));
  return asker.incoming.receive({ bytes: frame, owned: false }, 0, frame.length);
}

/** The frame in which a session fails the one request that it got. */
function written(failure: { code: string; message: string; data?: Uint8Array }, has = features): Uint8Array {
  const handler = session(has);
  const request = hex("20 00 00 08 00 00 00 01 00 00 00 07");
  handler.incoming.receive({ bytes: request, owned: false }, 0, request.length);
  handler.fail(1, failure);
  return Uint8Array.from(handler.outgoing.answers.take());
}

describe("native-feature-frames.json", () => {
  for (const { name, frame, says, outcome } of nativeFeatureFrames) {
    if (says !== undefined) {
      const { id, code, message } = says;
      const data = hex(says.data);
      test(`is written and read so: ${name}`, () => {
        assert.equal(toHex(written({ code, message, data })), toHex(hex(frame)));
        assert.deepEqual(read(hex(frame)), { kind: "failure", id, code, message, data });
      });
      test(`is refused without the feature: ${name}`, () => {
        assert.equal(
          thrownCode(() => read(hex(frame), 0)),
          "ERR_FRAME_INVALID",
        );
      });
    } else {
      test(`comes to ${outcome}: ${name}`, () => {
        assert.equal(
          thrownCode(() => read(hex(frame))),
          outcome,
        );
      });
    }
  }
});

describe("a failure's data", () => {
  test("are left out for a peer without the feature", () => {
    const frame = written({ code: "NO", message: "why", data: pattern(9) }, 0);
    assert.equal(toHex(frame), toHex(written({ code: "NO", message: "why" })));
    assert.equal(frame[0], 0x33);
  });

  test("fit into one frame with the longest code, and as much of the message as there is room for", () => {
    const data = pattern(maxFailureDataBytes);
    const frame = written({ code: "A".repeat(64), message: "é".repeat(100_000), data });
    assert.ok(frame.length <= frameHeaderBytes + maxBodyBytes);
    const event = read(frame);
    assert.ok(event?.kind === "failure" && event.data !== undefined);
    assert.ok(Buffer.from(event.data).equals(data));
    assert.match(event.message, /^é{30000,}$/);
  });

  test("share no memory with the record that they came in", () => {
    const frame = written({ code: "NO", message: "", data: hex("01 02 03") });
    const event = read(frame);
    frame.fill(0xff);
    assert.ok(event?.kind === "failure" && event.data !== undefined);
    assert.equal(toHex(event.data), "01 02 03");
  });

  for (const [own, peers] of [
    [features, features],
    [features, 0],
    [0, features],
  ] as const) {
    test(`arrive if both ends have the feature, also after a resume (${own} and ${peers})`, () => {
      const pair = new ResumablePair({
        native: { offers: { ...noOffers, features: own } },
        clientNative: { offers: { ...noOffers, features: peers } },
      }).run();
      const heard: unknown[] = [];
      pair.client.overhear = (event) => {
        if (event.kind === "failure") heard.push(event.data && toHex(event.data));
      };
      for (const id of [1, 2]) {
        pair.client.ask(1, hex(""));
        pair.run();
        pair.server.session?.fail(id, { code: "NO", message: "", data: hex("01 02") });
        pair.run();
        pair.cut().connect().run();
        assert.equal(pair.client.resumed, id);
      }
      const expected = own === peers ? "01 02" : undefined;
      assert.deepEqual(heard, [expected, expected]);
    });
  }

  test("of any bytes are a failure or ERR_FRAME_INVALID", () => {
    const frame = written({ code: "NO", message: "why", data: pattern(9) });
    for (let at = frameHeaderBytes + 4; at < frame.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = concat(frame.subarray(0, at), Uint8Array.of(value), frame.subarray(at + 1));
        try {
          assert.equal(read(changed)?.kind, "failure");
        } catch (error) {
          assert.equal((error as { code?: string }).code, "ERR_FRAME_INVALID", `${value} at ${at}`);
        }
      }
    }
  });
});
