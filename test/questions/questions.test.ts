import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type Client, createClient, type RemoteError, type SealpipeError } from "sealpipe";
import { Questions, type QuestionsOptions } from "sealpipe/questions";
import { clientOfRaw, connectedPair, freshServer, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { isSettled, nextEvent, record, until } from "../support/waiting.ts";

const timeout = 60_000;
const never = new Promise<never>(() => {});

/** A client that asks, and the options of the server's end, on the wire that questions are for. */
async function pair(t: TestContext, handler?: (body: unknown) => unknown, options: QuestionsOptions = {}) {
  const { server, client, connection } = await connectedPair(t, { client: { profile: "classic" } });
  const answering = new Questions(connection, { handler, ...options });
  return { server, client, connection, answering, questions: new Questions(client) };
}

/** A client whose other end is a hand, and what it asked. */
async function asked(t: TestContext, body: unknown) {
  const { server, client, connection } = await connectedPair(t, { client: { profile: "classic" } });
  const questions = new Questions(client);
  const answer = questions.ask(body, { timeoutMs: 20_000 });
  answer.catch(() => {});
  const { type, text } = await connection.read();
  assert.equal(type, 1);
  const { id } = JSON.parse(text) as { id: string };
  return { server, client, connection, questions, answer, id };
}

describe("a question", { timeout }, () => {
  test("has what the other end's handler returns, or resolves with", async (t) => {
    const { questions, answering, connection } = await pair(t, async (body) => ({ got: body }));
    for (const body of [1, "two", null, [3], { four: { deep: true } }])
      assert.deepEqual(await questions.ask(body), { got: body });
    assert.deepEqual(await questions.ask(undefined), { got: null });
    assert.equal(questions.pending + answering.pending, 0);
    assert.equal(connection.profile, "classic");
  });

  test("can be asked by either end, and many at a time", async (t) => {
    const { client, connection } = await connectedPair(t, { client: { profile: "classic" } });
    const answering = new Questions(connection, { handler: (body) => Number(body) * 2 });
    const other = new Questions(client, { handler: (body) => `${body}!` });
    const answers = await Promise.all([
      ...Array.from({ length: 200 }, (_, index) => other.ask(index)),
      ...Array.from({ length: 200 }, (_, index) => answering.ask(index)),
    ]);
    assert.deepEqual(answers.slice(0, 3), [0, 2, 4]);
    assert.deepEqual(answers.slice(200, 203), ["0!", "1!", "2!"]);
  });

  test("fails with the code and the message of what the handler throws, and nothing of where", async (t) => {
    const { questions } = await pair(t, (body) => {
      if (body === "code") throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      if (body === "no code") throw new Error("something");
      if (body === "odd code") throw Object.assign(new Error("odd"), { code: "no code" });
      if (body === "cannot be JSON") return 10n;
      throw "a string";
    });
    const failure = (body: string): Promise<unknown> =>
      questions.ask(body).catch((error: RemoteError) => [error.name, error.code, error.message]);
    assert.deepEqual(await failure("code"), ["RemoteError", "ENOENT", "no such file"]);
    assert.deepEqual(await failure("no code"), ["RemoteError", "ERR_HANDLER_FAILED", "something"]);
    assert.deepEqual(await failure("odd code"), ["RemoteError", "ERR_HANDLER_FAILED", "odd"]);
    assert.equal(((await failure("cannot be JSON")) as string[])[1], "ERR_HANDLER_FAILED");
    assert.match(((await failure("a string")) as string[])[2] as string, /something else than an error/);
  });

  test("fails if the other end answers none, or is busy", async (t) => {
    const { questions } = await pair(t);
    await assert.rejects(questions.ask(1), { code: "ERR_NO_HANDLER" });
    const busy = await pair(t, () => never, { maxConcurrent: 1 });
    const first = busy.questions.ask(1);
    first.catch(() => {});
    await assert.rejects(busy.questions.ask(2), { code: "ERR_QUEUE_FULL" });
    assert.equal(await isSettled(first), false);
  });

  test("fails if its answer is larger than the other end takes", async (t) => {
    const { client, connection } = await connectedPair(t, {
      client: { profile: "classic", maxMessageBytes: 1_000 },
      server: { maxMessageBytes: 1_000 },
    });
    new Questions(connection, { handler: () => "x".repeat(2_000) });
    await assert.rejects(new Questions(client).ask(1), { code: "ERR_MESSAGE_TOO_LARGE" });
    await assert.rejects(new Questions(client).ask("x".repeat(2_000)), (error: SealpipeError) => {
      assert.equal(error.fault, "caller");
      return true;
    });
  });

  test("that JSON cannot hold is refused, and leaves nothing behind", async (t) => {
    const { questions } = await pair(t, () => 1);
    const circle: unknown[] = [];
    circle.push(circle);
    await assert.rejects(questions.ask(circle), TypeError);
    await assert.rejects(questions.ask(1n), TypeError);
    assert.equal(questions.pending, 0);
  });

  test("leaves messages of other types to others", async (t) => {
    const { client, connection, questions } = await pair(t, () => "answer");
    const atClient = record<{ type: number }>(client, "message");
    await connection.write(7, "something else");
    assert.equal(await questions.ask(1), "answer");
    assert.deepEqual(
      atClient.map(({ type }) => type),
      [7, 2],
    );
  });
});

describe("an answer that never comes", { timeout }, () => {
  test("is waited for as long as was said, and one that comes later harms nobody", async (t) => {
    let answer = (_: string): void => {};
    const { questions, client } = await pair(t, (body) =>
      body === "late" ? new Promise<string>((resolve) => (answer = resolve)) : "in time",
    );
    await assert.rejects(questions.ask("late", { timeoutMs: 30 }), { code: "ERR_REQUEST_TIMEOUT" });
    assert.equal(questions.pending, 0);
    const heard = nextEvent(client, "message");
    answer("too late");
    await heard;
    assert.equal(await questions.ask("next"), "in time");
  });

  test("is waited for until the signal aborts", async (t) => {
    const { questions } = await pair(t, () => never);
    const reason = new Error("the user has gone");
    await assert.rejects(questions.ask(1, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const waiting = questions.ask(1, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, reason);
    assert.equal(questions.pending, 0);
  });
});

describe("an answer that cannot be trusted", { timeout }, () => {
  for (const [what, said] of Object.entries({
    "no JSON": "{",
    "no object": "7",
    "an array": "[]",
    nothing: "",
    "an object without an id": "{}",
    "the id of nobody": '{"id":"x","body":1}',
    "an id that is a number": '{"id":1,"body":1}',
    "the id of an object's own": '{"id":"__proto__","body":1}',
    "much that is nested": `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  })) {
    test(`is passed over: ${what}`, async (t) => {
      const { connection, answer, id } = await asked(t, 1);
      await connection.write(2, said);
      await connection.write(2, JSON.stringify({ id, body: "right" }));
      assert.equal(await answer, "right");
    });
  }

  test("counts once, and not if it is of another type", async (t) => {
    const { connection, answer, id, questions } = await asked(t, 1);
    await connection.write(3, JSON.stringify({ id, body: "of another type" }));
    await connection.write(2, JSON.stringify({ id, body: "first" }));
    await connection.write(2, JSON.stringify({ id, body: "second" }));
    assert.equal(await answer, "first");
    assert.equal(questions.pending, 0);
  });

  for (const [what, error, code] of [
    ["without a code", {}, "ERR_HANDLER_FAILED"],
    ["with a code that is none", { code: 7, message: [] }, "ERR_HANDLER_FAILED"],
    ["that is a text", "no", "ERR_HANDLER_FAILED"],
    ["beside an answer", { code: "NO", message: "no" }, "NO"],
  ] as const) {
    test(`is a failure, if it has one: ${what}`, async (t) => {
      const { connection, answer, id } = await asked(t, 1);
      await connection.write(2, JSON.stringify({ id, body: 1, error }));
      await assert.rejects(answer, { name: "RemoteError", code });
    });
  }

  test("may lack its body", async (t) => {
    const { connection, answer, id } = await asked(t, 1);
    await connection.write(2, JSON.stringify({ id }));
    assert.equal(await answer, null);
  });
});

test("a question that is none is passed over, and the next is answered", { timeout }, async (t) => {
  const { client, questions } = await pair(t, () => "answer");
  for (const said of ["", "{", "null", '{"id":7}', `{"id":"${"x".repeat(200)}"}`])
    await client.write(1, said);
  assert.equal(await questions.ask(1), "answer");
});

describe("a connection that is lost", { timeout }, () => {
  test("takes what was asked by it along, and the next one is asked as before", async (t) => {
    const { client, peer, raw } = await clientOfRaw(t);
    const questions = new Questions(client);
    const sent = questions.ask(1);
    const rejected = assert.rejects(sent, { code: "ERR_CONNECTION_LOST" });
    await client.flush();
    const lost = nextEvent(client, "status");
    peer.destroy();
    await rejected;
    await lost;
    const waits = questions.ask(2);
    assert.equal(await isSettled(waits), false, "it waits for the next connection");
    waits.catch(() => {});
    (await raw.accept()).destroy();
    assert.equal(await isSettled(waits), false);
  });

  test("is waited for by what was asked before there was one", async (t) => {
    const name = freshName();
    const client = createClient(name, { profile: "classic", retryDelayMs: 5 });
    t.after(() => client.close());
    const answer = new Questions(client).ask(21);
    const server = await serverAt(t, name);
    server.on("connection", (connection) => {
      new Questions(connection, { handler: (body) => Number(body) * 2 });
    });
    assert.equal(await answer, 42);
  });

  test("and comes back on the native wire, loses no answer", async (t) => {
    const server = await freshServer(t);
    const { client, connection, relay } = await connectThroughRelay(t, server);
    let answer = (_: string): void => {};
    new Questions(connection, { handler: () => new Promise<string>((resolve) => (answer = resolve)) });
    const questions = new Questions(client);
    const waiting = questions.ask(1);
    await until(() => connection.stats().received.messages === 1);
    const back = nextEvent(client, "status").then(() => nextEvent(client, "status"));
    relay.cut();
    await back;
    answer("after all");
    assert.equal(await waiting, "after all");
    assert.equal(server.connections.length, 1);
  });

  for (const how of ["close", "destroy"] as const) {
    test(`by ${how}, of either end, settles all that waits`, async (t) => {
      const { client, connection, questions, answering } = await pair(t, () => never);
      const mine = assert.rejects(questions.ask(1), { code: "ERR_CLOSED" });
      client.removeAllListeners("message");
      const theirs = answering.ask(1);
      const rejected = assert.rejects(theirs, { code: "ERR_CONNECTION_LOST" });
      const closed = nextEvent(connection, "close");
      client[how]();
      await Promise.all([mine, rejected, closed]);
      await assert.rejects(questions.ask(1), { code: "ERR_CLOSED" });
      await assert.rejects(answering.ask(1), { code: "ERR_CONNECTION_LOST" });
      assert.equal(questions.pending + answering.pending, 0);
    });
  }
});

describe("options", { timeout }, () => {
  for (const [what, options] of Object.entries({
    "a type that is reserved": { questionType: 0 },
    "a type that is no integer": { answerType: 1.5 },
    "one type for both": { questionType: 7, answerType: 7 },
    "a time that is negative": { timeoutMs: -1 },
    "a time that is no number": { timeoutMs: "5" as unknown as number },
    "no handlers at a time": { maxConcurrent: 0 },
    "a handler that is none": { handler: 1 as unknown as () => void },
  })) {
    test(`are refused: ${what}`, async (t) => {
      const client: Client = createClient(freshName());
      t.after(() => client.close());
      assert.throws(() => new Questions(client, options), { code: "ERR_INVALID_OPTION" });
    });
  }

  test("of a question are refused as well", async (t) => {
    const { questions } = await pair(t, () => 1);
    await assert.rejects(questions.ask(1, { timeoutMs: Number.NaN }), { code: "ERR_INVALID_OPTION" });
  });

  test("choose the types", async (t) => {
    const { client, connection } = await connectedPair(t, { client: { profile: "classic" } });
    const types = { questionType: 40, answerType: 41 };
    new Questions(connection, { ...types, handler: () => "answer" });
    assert.equal(await new Questions(client, types).ask(1), "answer");
  });
});
