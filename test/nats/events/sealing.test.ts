import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { startServer } from "sealpipe";
import { EventOpener, EventSealer } from "#dist/nats/events/sealing.js";
import { hex, pattern } from "../../support/bytes.ts";
import { freshName } from "../../support/names.ts";

interface EventVector {
  readonly name: string;
  readonly secret?: string;
  readonly label?: string;
  readonly derivedKey?: string;
  readonly topic: string;
  readonly publisher: string;
  readonly counter: number;
  readonly stamp: number;
  readonly data: string;
  readonly message: string;
  readonly outcome?: string;
}

const file = new URL("../../../../spec/vectors/events.json", import.meta.url);
const vectors: readonly EventVector[] = JSON.parse(readFileSync(file, "utf8")).vectors;

/** What the ends of a channel with that secret derive. */
async function derived(secret: string | undefined, label: string): Promise<Uint8Array | undefined> {
  const options = secret === undefined ? {} : { secret: hex(secret) };
  await using server = await startServer(freshName(), { listen: false, ...options });
  return server.deriveKey(label);
}

describe("events by subject are sealed as the vectors say", () => {
  for (const vector of vectors) {
    test(vector.name, async () => {
      const key = await derived(vector.secret, vector.label ?? "sealpipe events");
      const opened = new EventOpener({ key, topic: vector.topic }).open(hex(vector.message));
      if (vector.outcome !== undefined) {
        assert.equal(opened, undefined);
        return;
      }
      if (vector.derivedKey !== undefined) assert.deepEqual(key, hex(vector.derivedKey));
      const { publisher, counter, stamp } = vector;
      assert.deepEqual(opened, { publisher, counter, stamp, data: hex(vector.data) });
      const sealer = new EventSealer({ key, topic: vector.topic }, hex(publisher));
      for (let skipped = 0; skipped < counter; skipped++) sealer.skip();
      assert.deepEqual(Uint8Array.from(sealer.seal(hex(vector.data), stamp)), hex(vector.message));
    });
  }
});

describe("a sealed event", () => {
  const protection = { key: pattern(32), topic: "a topic" };

  test("has another key and another nonce each time", () => {
    const one = new EventSealer(protection);
    const made = [
      one.seal(pattern(5), 1),
      one.seal(pattern(5), 1),
      new EventSealer(protection).seal(pattern(5), 1),
    ];
    assert.equal(new Set(made.map((message) => Buffer.from(message).toString("hex", 33))).size, 3);
    const opener = new EventOpener(protection);
    for (const message of made) assert.deepEqual(opener.open(message)?.data, pattern(5));
  });

  test("is refused if any bit of it is another, and the next is opened", () => {
    const sealer = new EventSealer(protection);
    const message = sealer.seal(pattern(5), 1);
    const opener = new EventOpener(protection);
    for (let bit = 0; bit < message.length * 8; bit++) {
      const changed = Uint8Array.from(message);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(opener.open(changed), undefined, `bit ${bit}`);
    }
    assert.deepEqual(opener.open(message)?.data, pattern(5));
  });

  test("is opened of more publishers than are remembered", () => {
    const opener = new EventOpener(protection);
    const sealers = Array.from({ length: 1_100 }, () => new EventSealer(protection));
    for (const sealer of [...sealers, ...sealers]) assert.ok(opener.open(sealer.seal(pattern(5), 1)));
  });
});
