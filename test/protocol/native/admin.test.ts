import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { featureBits, noOffers } from "#dist/protocol/native/wire/offers.js";
import { hex, pattern } from "../../support/bytes.ts";
import { thrownCode } from "../../support/engine-probe.ts";
import { nativeFrame } from "../../support/native-frames.ts";
import { ResumablePair } from "../../support/resumable-pair.ts";

const offers = { ...noOffers, features: featureBits.admin };

function connected(features: number = offers.features, ofClient = features): ResumablePair {
  return new ResumablePair({
    native: { offers: { ...offers, features } },
    clientNative: { offers: { ...offers, features: ofClient } },
  }).run();
}

describe("a request to the library", () => {
  for (const [own, peers] of [
    [0, featureBits.admin],
    [featureBits.admin, 0],
  ] as const) {
    test(`is neither sent nor accepted if one end lacks the feature (${own} and ${peers})`, () => {
      const { client, server } = connected(own, peers);
      assert.equal(
        thrownCode(() => client.session?.admin(1, hex(""))),
        "ERR_PEER_WITHOUT_ADMIN",
      );
      const frame = nativeFrame("admin-request", [1], hex("01"));
      assert.equal(
        thrownCode(() => server.session?.incoming.receive({ bytes: frame, owned: false }, 0, frame.length)),
        "ERR_FRAME_INVALID",
      );
    });
  }

  test("is a fault of a server that asks its client", () => {
    const { client } = connected();
    const frame = nativeFrame("admin-request", [1], hex("01"));
    assert.equal(
      thrownCode(() => client.session?.incoming.receive({ bytes: frame, owned: false }, 0, frame.length)),
      "ERR_FRAME_INVALID",
    );
  });

  test("arrives once, wherever the connection is cut, and has the ids of requests", () => {
    const pair = connected();
    const heard: string[] = [];
    pair.server.overhear = (event) => {
      if (event.kind === "admin-request") heard.push(`${event.id}: ${event.operation}, ${event.data.length}`);
      if (event.kind === "request") heard.push(`${event.id}: a request`);
    };
    for (let id = 1; id <= 20; id++) {
      if (id % 3 === 0) pair.client.session?.request(5, pattern(3));
      else assert.equal(pair.client.session?.admin(id, pattern(id)), id);
      if (id % 2 === 0) pair.cut().connect();
      pair.run();
    }
    const expected = Array.from({ length: 20 }, (_, index) => index + 1).map((id) =>
      id % 3 === 0 ? `${id}: a request` : `${id}: ${id}, ${id}`,
    );
    assert.deepEqual(heard, expected);
  });

  test("that was cancelled before it arrived is not handled", () => {
    const { server } = connected();
    const { incoming } = server.session ?? assert.fail("it is connected");
    for (const frame of [nativeFrame("cancel", [1]), nativeFrame("admin-request", [1], hex("01"))]) {
      assert.equal(incoming.receive({ bytes: frame, owned: false }, 0, frame.length), undefined);
    }
    assert.equal(incoming.allConsumed, true);
  });

  test("is consumed when its turn comes, and not when it arrives", () => {
    const pair = connected();
    pair.client.session?.admin(1, hex(""));
    pair.run();
    const { incoming } = pair.server.session ?? assert.fail("it is connected");
    assert.equal(incoming.allConsumed, false);
    assert.ok(pair.server.handle());
    assert.equal(incoming.allConsumed, true);
    pair.run();
    assert.deepEqual(pair.client.outcomes, ["1: "]);
  });

  test("that was not sent is not sent to another server", () => {
    const pair = connected();
    const session = pair.client.session ?? assert.fail("it is connected");
    session.admin(1, hex(""));
    session.request(5, hex("01"));
    const { unsentRequests } = session.abandon();
    assert.deepEqual(unsentRequests, [{ id: 2, type: 5, data: hex("01"), context: undefined }]);
  });
});
