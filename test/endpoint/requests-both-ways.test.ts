import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Answer, type IncomingRequest, RemoteError } from "sealpipe";
import { directions } from "../support/asking.ts";
import { pattern } from "../support/bytes.ts";
import { connectedPair, connectTo, freshServer } from "../support/endpoints.ts";
import { until } from "../support/waiting.ts";

const timeout = 60_000;
const megabytes = 3_145_728;

for (const [direction, connect] of Object.entries(directions)) {
  describe(direction, { timeout }, () => {
    test("gets the answer: text, bytes, none, now or later", async (t) => {
      const { asker, answerer } = await connect(t);
      answerer.handle(1, ({ text }) => `you asked: ${text}`);
      answerer.handle(2, async ({ data }) => data.map((byte) => byte * 2));
      answerer.handle(3, () => undefined);
      assert.equal((await asker.request(1, "why?")).text, "you asked: why?");
      assert.deepEqual((await asker.request(2, Uint8Array.of(1, 2, 3))).data, Uint8Array.of(2, 4, 6));
      assert.equal((await asker.request(3, "")).data.length, 0);
    });

    test("learns who handles nothing of that type, and until when", async (t) => {
      const { asker, answerer } = await connect(t);
      const stop = answerer.handle(1, () => "here");
      assert.equal((await asker.request(1, "")).text, "here");
      stop();
      await assert.rejects(asker.request(1, ""), (error: RemoteError) => {
        assert.ok(error instanceof RemoteError);
        assert.deepEqual([error.code, error.fault], ["ERR_NO_HANDLER", "peer"]);
        return true;
      });
    });

    test("gets large answers to large requests, several at once, and small ones in between", async (t) => {
      const room = { maxQueuedBytes: 33_554_432 };
      const { asker, answerer } = await connect(t, { server: room, client: room });
      const order: string[] = [];
      answerer.handle(1, ({ data }) => data.map((byte) => byte ^ 0xff));
      answerer.handle(2, ({ text }) => text);
      const tell = async (name: string, answer: Promise<Answer>): Promise<Uint8Array> => {
        const { data } = await answer;
        order.push(name);
        return data;
      };
      const large = [0, 1, 2, 3, 4, 5].map((seed) => pattern(megabytes, seed));
      const answers = large.map((data) => tell("large", asker.request(1, data)));
      const small = Array.from({ length: 50 }, (_, index) => tell("small", asker.request(2, `${index}`)));
      for (const [index, answer] of (await Promise.all(answers)).entries()) {
        assert.ok(Buffer.from(answer).equals((large[index] as Uint8Array).map((byte) => byte ^ 0xff)));
      }
      assert.deepEqual(
        (await Promise.all(small)).map((data) => Buffer.from(data).toString()),
        Array.from({ length: 50 }, (_, index) => `${index}`),
      );
      // A small request waits for a few records of the large ones, and not for any of them as a whole.
      assert.deepEqual(order, [...Array(50).fill("small"), ...Array(6).fill("large")]);
    });

    test("asks 10,000 times at once, and gets each answer", async (t) => {
      const { asker, answerer } = await connect(t);
      let running = 0;
      let most = 0;
      answerer.handle(1, async ({ text }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return `${Number(text) * 2}`;
      });
      const count = 10_000;
      const asked = Array.from({ length: count }, (_, index) => asker.request(1, `${index}`));
      const answers = await Promise.all(asked);
      assert.deepEqual(
        answers.map(({ text }) => Number(text)),
        Array.from({ length: count }, (_, index) => index * 2),
      );
      assert.ok(most > 1 && most <= 256, `${most} handlers ran at once`);
      t.diagnostic(`at most ${most} handlers ran at once`);
    });

    test("is handled by no more than maxConcurrentRequests at a time, in order", async (t) => {
      const limit = { maxConcurrentRequests: 3 };
      const { asker, answerer } = await connect(t, { server: limit, client: limit });
      const started: string[] = [];
      const finish: (() => void)[] = [];
      answerer.handle(1, ({ text }) => {
        started.push(text);
        return new Promise((resolve) => finish.push(() => resolve(text)));
      });
      const answers = ["a", "b", "c", "d", "e"].map((text) => asker.request(1, text));
      await until(() => started.length === 3);
      answers.push(asker.request(1, "f"));
      finish[1]?.();
      assert.equal((await answers[1])?.text, "b");
      await until(() => started.length === 4);
      assert.deepEqual(started, ["a", "b", "c", "d"]);
      while (started.length < 6 || finish.length > 0) {
        for (const done of finish.splice(0)) done();
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual(
        (await Promise.all(answers)).map(({ text }) => text),
        ["a", "b", "c", "d", "e", "f"],
      );
    });

    test("can be asked within its own request, to and fro", async (t) => {
      const { asker, answerer } = await connect(t);
      const countDown =
        (end: { request: typeof asker.request }) =>
        async ({ text }: IncomingRequest): Promise<string> =>
          text === "0" ? "lift off" : `${text} ${(await end.request(1, `${Number(text) - 1}`)).text}`;
      answerer.handle(1, countDown(answerer));
      (asker as typeof answerer).handle(1, countDown(asker));
      assert.equal((await asker.request(1, "5")).text, "5 4 3 2 1 lift off");
    });
  });
}

describe("a server's handlers", { timeout }, () => {
  test("answer all its clients, and know who asks; a connection's own come first", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ connection }) => `the server to ${connection.id}`);
    const one = await connectTo(t, server);
    const other = await connectTo(t, server);
    other.connection.handle(1, ({ connection }) => `connection ${connection.id}`);
    assert.equal((await one.client.request(1, "")).text, `the server to ${one.connection.id}`);
    assert.equal((await other.client.request(1, "")).text, `connection ${other.connection.id}`);
  });

  test("are there for requests that come with the very first bytes", async (t) => {
    const server = await freshServer(t);
    server.on("connection", (connection) => connection.handle(1, () => "in time"));
    const { client } = await connectTo(t, server);
    assert.equal((await client.request(1, "")).text, "in time");
  });

  test("of messages and of requests have types of their own", async (t) => {
    const { client, connection } = await connectedPair(t);
    connection.handle(5, () => "the answer");
    await client.write(5, "the message");
    const [answer, message] = [await client.request(5, "the request"), await connection.read()];
    assert.deepEqual([answer.text, message.text], ["the answer", "the message"]);
  });
});
