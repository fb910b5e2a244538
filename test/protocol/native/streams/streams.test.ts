import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ClassicProfile } from "#dist/protocol/classic/profile.js";
import { noOffers } from "#dist/protocol/native/wire/offers.js";
import { hex, pattern } from "../../../support/bytes.ts";
import { thrownCode } from "../../../support/engine-probe.ts";
import { StreamPair } from "../../../support/stream-pair.ts";

const other = { client: "server", server: "client" } as const;
const item = pattern(16_000);

for (const opener of ["client", "server"] as const) {
  const hearer = other[opener];
  const first = opener === "client" ? 1 : 2;

  describe(`a stream that a ${opener} opens`, () => {
    test("has items both ways, in order, and is over with both ends", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const peers = pair.streams(hearer);
      assert.equal(ours.open(5, hex("0a")), first);
      assert.equal(ours.write(first, hex("01")), true);
      ours.write(first, hex(""));
      assert.deepEqual(pair.heard(hearer), [
        `stream ${first} of 5: 0a`,
        `item ${first}: 01`,
        `item ${first}: `,
      ]);
      peers.write(first, hex("02"));
      peers.end(first);
      peers.end(first);
      peers.write(first, hex("03"));
      assert.deepEqual(pair.heard(opener), [`item ${first}: 02`, `stream-end ${first}`]);
      ours.end(first);
      assert.deepEqual(pair.heard(hearer), [`stream-end ${first}`]);
      for (const streams of [ours, peers]) {
        assert.equal(streams.write(first, hex("04")), true);
        streams.end(first);
        streams.stopSending(first);
        streams.consumed(first, 1);
        streams.reset(first, { code: "LATE", message: "" });
      }
      assert.deepEqual([pair.heard(hearer), pair.heard(opener)], [[], []]);
    });

    test("carries openings and items of many frames, in order with small ones", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const large = pattern(300_000);
      const id = ours.open(5, large);
      const events = pair[hearer].streamed;
      ours.write(id, pattern(20_000));
      ours.write(id, large);
      pair.run();
      const [opened, small, whole] = events;
      assert.ok(opened?.kind === "stream" && small?.kind === "item" && whole?.kind === "item");
      assert.deepEqual(
        [opened.type, opened.data, small.data, whole.data],
        [5, large, pattern(20_000), large],
      );
    });

    test("holds items until there is credit, then sends them in order, and the end last", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const peers = pair.streams(hearer);
      const id = ours.open(5, hex(""));
      const room = [1, 2, 3, 4, 5, 6].map(() => ours.write(id, item));
      assert.deepEqual(room, [true, true, true, true, false, false]);
      ours.end(id);
      pair.run();
      const held = pair[hearer].streamed.splice(0);
      assert.equal(held.length, 6, "the opening, and five items: a window and one");
      assert.ok((pair[opener].session?.waitingItemBytes ?? 0) >= item.length);
      assert.ok((pair[hearer].session?.keptBytes ?? 0) >= 5 * item.length);
      for (const event of held) if (event.kind === "item") peers.consumed(id, event.weight);
      pair.run();
      assert.deepEqual(
        pair[hearer].streamed.map(({ kind }) => kind),
        ["item", "stream-end"],
      );
    });

    test("sends no more of what waits than there is credit for, and gives none for what has ended", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const peers = pair.streams(hearer);
      const id = ours.open(5, hex(""));
      for (let count = 0; count < 19; count++) ours.write(id, item);
      ours.end(id);
      const weight = 16_000 + 8 + 64;
      const arrived: number[] = [];
      for (let round = 0; round < 6; round++) {
        pair.run();
        const items = pair[hearer].streamed.splice(0).filter(({ kind }) => kind === "item");
        arrived.push(items.length);
        for (const _ of items) peers.consumed(id, weight);
      }
      assert.deepEqual(arrived, [5, 3, 3, 3, 3, 2]);
      assert.deepEqual(pair.heard(opener), [`stream-credit ${id}`], "once all has left");
      assert.equal(pair[hearer].session?.keptBytes, 0);
    });

    test("wakes a writer that waits when there is credit, once", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const id = ours.open(5, hex(""));
      while (ours.write(id, item)) {}
      pair.run();
      for (const event of pair[hearer].streamed.splice(0)) {
        if (event.kind === "item") pair.streams(hearer).consumed(id, event.weight);
      }
      assert.deepEqual(pair.heard(opener), [`stream-credit ${id}`]);
      assert.equal(ours.write(id, item), true);
    });

    test("is reset by either end, with what has not been sent or read", () => {
      for (const resetter of ["client", "server"] as const) {
        const pair = new StreamPair();
        const id = pair.streams(opener).open(5, hex(""));
        while (pair.streams(opener).write(id, item)) {}
        pair.streams(opener).write(id, item);
        pair.run();
        pair.streams(resetter).reset(id, { code: "NO", message: "why" });
        assert.ok(pair.heard(other[resetter]).includes(`stream-reset ${id}: NO why`));
        for (const role of ["client", "server"] as const) assert.equal(pair[role].session?.keptBytes, 0);
      }
    });

    test("is over if resets cross, at both ends", () => {
      const pair = new StreamPair();
      const id = pair.streams(opener).open(5, hex(""));
      pair.run();
      pair[hearer].streamed.length = 0;
      for (const role of ["client", "server"] as const)
        pair.streams(role).reset(id, { code: "X", message: "" });
      assert.deepEqual([pair.heard(opener), pair.heard(hearer)], [[], []]);
      assert.deepEqual(pair.client.ends, []);
    });

    test("is ended by its writer when the reader asks, and what crosses is dropped", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const id = ours.open(5, hex(""));
      assert.deepEqual(pair.heard(hearer), [`stream ${id} of 5: `]);
      while (ours.write(id, item)) {}
      ours.write(id, item);
      pair.streams(hearer).stopSending(id);
      pair.streams(hearer).stopSending(id);
      pair.run();
      assert.deepEqual(pair.heard(opener), [`stop-sending ${id}`]);
      assert.deepEqual(
        pair.heard(hearer).map((line) => line.split(" ")[0]),
        ["stream-end"],
      );
      pair.streams(hearer).end(id);
      assert.deepEqual(pair.heard(opener), [`stream-end ${id}`]);
      assert.equal(pair[hearer].session?.keptBytes, 0);
    });

    test("counts until it is over at its opener", () => {
      const pair = new StreamPair();
      const ours = pair.streams(opener);
      const ids = [ours.open(5, hex("")), ours.open(5, hex(""))];
      assert.equal(ours.canOpen, false);
      assert.equal(
        thrownCode(() => ours.open(5, hex(""))),
        "ERR_TOO_MANY_STREAMS",
      );
      ours.reset(ids[0] as number, { code: "X", message: "" });
      assert.equal(ours.open(5, hex("")), first + 4);
      assert.deepEqual(pair.heard(hearer).at(-1), `stream ${first + 4} of 5: `);
    });

    test("goes on after a resume, with nothing lost or repeated", () => {
      const pair = new StreamPair({ encryption: true });
      const id = pair.streams(opener).open(5, hex("0a"));
      pair.streams(opener).write(id, hex("01"));
      assert.equal(pair.heard(hearer).length, 2);
      pair.streams(opener).write(id, hex("02"));
      pair.streams(hearer).write(id, hex("03"));
      pair.deliver(hearer, 0);
      pair.deliver(opener, 0);
      pair.cut().connect().run();
      assert.equal(pair.client.resumed, 1);
      assert.deepEqual([pair.heard(hearer), pair.heard(opener)], [[`item ${id}: 02`], [`item ${id}: 03`]]);
    });
  });
}

describe("streams", () => {
  test("carry nothing larger than either end takes, and no type that there is not", () => {
    const { client } = new StreamPair({ maxMessageBytes: 1_000 });
    const streams = client.session?.streams ?? assert.fail();
    const id = streams.open(5, pattern(1_000));
    const faults = [
      () => streams.open(0, hex("")),
      () => streams.open(5, pattern(1_001)),
      () => streams.write(id, pattern(1_001)),
    ];
    assert.deepEqual(faults.map(thrownCode), [
      "ERR_RESERVED_TYPE",
      "ERR_MESSAGE_TOO_LARGE",
      "ERR_MESSAGE_TOO_LARGE",
    ]);
  });

  test("are refused if the peer has none", () => {
    for (const role of ["client", "server"] as const) {
      const pair = new StreamPair({ clientNative: { offers: noOffers } });
      assert.equal(
        thrownCode(() => pair.streams(role)),
        "ERR_PEER_WITHOUT_STREAMS",
      );
    }
  });

  test("are refused by golang-ipc's wire", () => {
    const profile = new ClassicProfile({ maxMessageBytes: 1, peerMaxMessageBytes: 1, records: undefined });
    assert.equal(
      thrownCode(() => profile.session.streams),
      "ERR_PEER_NOT_NATIVE",
    );
  });

  test("are given up with their session", () => {
    const pair = new StreamPair();
    const streams = pair.streams("client");
    const id = streams.open(5, hex(""));
    while (streams.write(id, item)) {}
    streams.write(id, item);
    pair.client.session?.abandon();
    assert.equal(pair.client.session?.queuedBytes, 0);
    assert.equal(pair.client.session?.keptBytes, 0);
    assert.equal(streams.write(id, hex("")), true);
  });
});
