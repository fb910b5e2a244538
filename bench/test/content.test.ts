import assert from "node:assert/strict";
import { test } from "node:test";
import { limit, type Row } from "../catalogue.ts";
import { Content } from "../process/content.ts";
import { Pair } from "../process/pair.ts";
import { works } from "../work.ts";

const kinds = ["round-trip-64", "client-to-server-64", "server-to-client-64"] as const;

function faulty(fault: string): Row {
  const program = { kind: "node", file: "for-tests", options: { fault } } as const;
  return { ...limit, server: program, client: program };
}

function runOf(id: string) {
  const work = works.find((each) => each.id === id);
  assert.ok(work);
  return work;
}

for (const id of kinds) {
  test(`${id} believes a peer that delivers what was sent`, async () => {
    await using pair = await Pair.start(limit);
    const answer = await runOf(id).run(pair, 100, "all");
    assert.ok((answer.elapsedMs as number) > 0);
  });

  test(`${id} refuses a message that was changed in its middle, where all of it is compared`, async () => {
    await using pair = await Pair.start(faulty("changes the middle"));
    await assert.rejects(runOf(id).run(pair, 100, "all"), /arrived with other contents/);
  });

  test(`${id} refuses a message that was changed at its end, while the clock runs`, async () => {
    await using pair = await Pair.start(faulty("changes the end"));
    await assert.rejects(runOf(id).run(pair, 100, "ends"), /arrived with other contents/);
  });
}

test("a message that was lost is noticed by the next, while the clock runs", async () => {
  await using pair = await Pair.start(faulty("loses"));
  await assert.rejects(runOf("client-to-server-64").run(pair, 100, "ends"), /message \d+ of 64 bytes/);
});

test("an answer that belongs to another request is refused", async () => {
  await using pair = await Pair.start(faulty("changes the end"));
  await assert.rejects(runOf("requests-64").run(pair, 100, "ends"), /arrived with other contents/);
});

test("each of the messages that follow one another differs from the next in its first byte", () => {
  const content = new Content(64, "bytes");
  for (let number = 0; number < 61; number++) {
    assert.notEqual(content.at(number)[0], content.at(number + 1)[0]);
  }
});
