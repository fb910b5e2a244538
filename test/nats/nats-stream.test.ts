import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeFrame, encodeFrame, kinds } from "#dist/nats/frame.js";
import { NatsStream, windowBytes } from "#dist/nats/nats-stream.js";
import { concat, pattern } from "../support/bytes.ts";
import { nextEvent, turns } from "../support/waiting.ts";

const empty: Uint8Array = new Uint8Array(0);

/** A stream whose other end is the test: what it published, with the kind, the number and the bytes of each. */
function streamOf(maxPayload = 1_000_000, { peer }: { peer?: string } = { peer: "peer" }) {
  const published: { kind: number; number: number; bytes: Uint8Array; subject: string; reply: string }[] = [];
  let isReleased = false;
  const stream = new NatsStream(
    {
      own: "own",
      maxPayload,
      publish: (subject, payload, reply) => {
        const frame = decodeFrame(payload);
        assert.ok(frame !== undefined);
        published.push({ ...frame, subject, reply });
      },
      released: () => {
        isReleased = true;
      },
    },
    peer,
  );
  const give = (kind: (typeof kinds)[keyof typeof kinds], number: number, bytes = empty): void =>
    stream.arrived({ data: encodeFrame(kind, number, bytes) });
  return { stream, published, give, isReleased: () => isReleased };
}

/** How the stream fails. */
async function failureOf({ stream }: ReturnType<typeof streamOf>): Promise<string> {
  const [error] = await nextEvent<[Error]>(stream, "error");
  return error.message;
}

describe("a stream over NATS", () => {
  test("numbers its messages, cuts them to what NATS carries, and says where it hears", async () => {
    const { stream, published } = streamOf(105);
    stream.write(pattern(250));
    stream.end();
    await nextEvent(stream, "finish");
    assert.deepEqual(
      published.map(({ kind, number, bytes, subject, reply }) => [
        kind,
        number,
        bytes.length,
        subject,
        reply,
      ]),
      [
        [0, 0, 100, "peer", "own"],
        [0, 1, 100, "peer", "own"],
        [0, 2, 50, "peer", "own"],
        [1, 3, 0, "peer", "own"],
      ],
    );
    assert.deepEqual(concat(...published.map(({ bytes }) => bytes)), pattern(250));
    stream.destroy();
  });

  test("gives what comes, in order, to its end", async () => {
    const { stream, give } = streamOf();
    give(kinds.data, 0, pattern(5));
    give(kinds.data, 1, pattern(6));
    give(kinds.end, 2);
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(new Uint8Array(chunk));
    assert.deepEqual(concat(...chunks), concat(pattern(5), pattern(6)));
    assert.equal(stream.destroyed, false);
    stream.destroy();
  });

  test("waits for its other end, and keeps what comes from it until then", async () => {
    const late = streamOf(1_000, {});
    late.stream.write(pattern(5));
    late.give(kinds.data, 0, pattern(7));
    await turns();
    assert.equal(late.published.length, 0);
    late.stream.join("peer");
    assert.equal(late.published[0]?.bytes.length, 5);
    assert.equal((late.stream.read() as Uint8Array).length, 7);
    late.stream.destroy();
  });

  test("waits for the other end to read, once a window is on the way, and says what it has read itself", async () => {
    const { stream, published, give } = streamOf();
    let written = 0;
    while (stream.write(pattern(100_000), () => (written += 1))) await turns(2);
    for (let more = 0; more < 20; more++) stream.write(pattern(100_000));
    await turns();
    const before = published.length;
    const sent = published.reduce((sum, { bytes }) => sum + bytes.length, 0);
    assert.ok(sent >= windowBytes && sent < windowBytes + 300_000, `${sent}`);
    give(kinds.read, sent);
    await turns();
    assert.ok(published.length > before);

    let number = 0;
    for (let bytes = 0; bytes < windowBytes; bytes += 100_000) give(kinds.data, number++, pattern(100_000));
    const reads = () => published.filter(({ kind }) => kind === kinds.read).map((frame) => frame.number);
    assert.deepEqual(reads(), []);
    stream.resume();
    await turns();
    // All but what is not worth a message yet: whoever waits for room has some.
    assert.ok(number * 100_000 - (reads().at(-1) ?? 0) < windowBytes / 4);
    stream.destroy();
  });

  const broken: Record<string, [(it: ReturnType<typeof streamOf>) => void, RegExp]> = {
    "a message is missing": [({ give }) => give(kinds.data, 1, pattern(5)), /message 1 came, and 0 was next/],
    "a message comes twice": [
      ({ give }) => {
        give(kinds.data, 0, pattern(5));
        give(kinds.data, 0, pattern(5));
      },
      /message 0 came, and 1 was next/,
    ],
    "the last messages are missing": [
      ({ give }) => give(kinds.end, 3),
      /messages are missing before its end/,
    ],
    "the other end is gone": [({ give }) => give(kinds.gone, 0), /the other end is gone/],
    "nobody hears it": [
      ({ stream }) => stream.arrived({ data: empty, headers: { code: 503 } }),
      /nobody hears the other end any more/,
    ],
    "a message is too short": [({ stream }) => stream.arrived({ data: pattern(4) }), /none of this protocol/],
    "a message is of another kind": [({ give }) => give(9 as 0, 0), /none of this protocol/],
    "the other end has read what was not sent": [
      ({ give }) => give(kinds.read, 4_000_000_000),
      /none of this protocol/,
    ],
    "the other end sends more than may wait": [
      ({ give }) => {
        for (let number = 0; number < 30; number++) give(kinds.data, number, pattern(100_000));
      },
      /none of this protocol/,
    ],
  };
  for (const [how, [breakIt, message]] of Object.entries(broken)) {
    test(`breaks, says so to the other end, and is over, if ${how}`, async () => {
      const it = streamOf();
      const failed = failureOf(it);
      breakIt(it);
      assert.match(await failed, message);
      assert.deepEqual([it.published.at(-1)?.kind, it.isReleased()], [kinds.gone, true]);
      it.give(kinds.data, 0, pattern(5));
      it.give(kinds.gone, 0);
    });
  }

  test("breaks if its connection to NATS is closed", async () => {
    const stream = new NatsStream(
      {
        own: "own",
        maxPayload: 1_000,
        publish: () => {
          throw new Error("closed connection");
        },
        released: () => {},
      },
      "peer",
    );
    stream.write(pattern(5));
    const [error] = await nextEvent<[Error]>(stream, "error");
    assert.equal(error.message, "closed connection");
  });
});
