import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pattern } from "../../support/bytes.ts";
import { ResumablePair } from "../../support/resumable-pair.ts";

describe("a large request that is cancelled when half of it is sent", () => {
  for (const cut of [false, true]) {
    test(`is sent to its end and not handled, and the next one is${cut ? ", also after a resume" : ""}`, () => {
      const pair = new ResumablePair().run();
      const { client, server } = pair;
      const id = client.session?.request(1, pattern(400_000)) as number;
      // The window keeps the rest back.
      pair.deliver("server");
      assert.equal(server.session?.incoming.bodiesUnderWay, 1);
      client.session?.cancel(id);
      if (cut) pair.cut().connect();
      for (let round = 0; round < 10; round++) pair.run().pass(20);
      assert.equal(server.session?.incoming.bodiesUnderWay, 0);
      assert.equal(server.unhandled.length, 0);
      assert.equal(client.ask(3, pattern(5)), 2);
      pair.settle();
      assert.deepEqual(client.outcomes, ["2: 00 1f 3e 5d 7c"]);
      assert.deepEqual([...client.ends, ...server.ends], []);
    });
  }
});
