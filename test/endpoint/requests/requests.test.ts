import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { toBytes } from "#dist/endpoint/messages/message.js";
import { closedError } from "#dist/endpoint/reading/inbox.js";
import type { IncomingRequest } from "#dist/endpoint/requests/request.js";
import { sessionLost } from "#dist/endpoint/requests/request-errors.js";
import { CallerError, PeerError } from "#dist/errors.js";
import { handling, linkedRequests, RecordingWire, Requests } from "../../support/request-wires.ts";
import { isSettled, until } from "../../support/waiting.ts";

/** A handler that settles only when its request is given up. */
function untilAborted({ signal }: IncomingRequest): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

describe("two ends that ask each other", () => {
  test("both get their answers, though the ids are the same", async () => {
    const [one, other] = linkedRequests(
      { handlers: { 1: ({ text }) => `one says ${text}` } },
      { handlers: { 1: async ({ text }) => `other says ${text}` } },
    );
    const answers = await Promise.all([one.requests.request(1, "a"), other.requests.request(1, "b")]);
    assert.deepEqual(
      answers.map(({ text }) => text),
      ["other says a", "one says b"],
    );
  });

  test("may ask within a handler, to and fro", async () => {
    const countDown = (ask: () => Requests) => {
      return async ({ text }: IncomingRequest): Promise<string> => {
        if (text === "0") return "0";
        return `${text} ${(await ask().request(1, String(Number(text) - 1))).text}`;
      };
    };
    const [one, other] = linkedRequests(
      { handlers: { 1: countDown(() => one.requests) } },
      { handlers: { 1: countDown(() => other.requests) } },
    );
    assert.equal((await one.requests.request(1, "5")).text, "5 4 3 2 1 0");
  });

  test("tell each other of an abort, all the way", async () => {
    let stopped = 0;
    const [one, other] = linkedRequests(
      {
        handlers: {
          2: (request) => untilAborted(request).finally(() => stopped++),
        },
      },
      {
        handlers: {
          1: async ({ signal }) => (await other.requests.request(2, "", { signal })).data,
        },
      },
    );
    const controller = new AbortController();
    const request = one.requests.request(1, "", { signal: controller.signal });
    await until(() => one.requests.running === 1);
    controller.abort();
    await assert.rejects(request, { name: "AbortError" });
    await until(() => stopped === 1);
    assert.equal(other.requests.running + one.requests.running, 0);
  });

  test("10,000 concurrent requests each get their own answer, 256 handlers at a time", async () => {
    let most = 0;
    let running = 0;
    const [one, other] = linkedRequests(
      {},
      {
        handlers: {
          1: async ({ text }) => {
            most = Math.max(most, ++running);
            // Handlers settle in another order than they were started in.
            for (let wait = Number(text) % 7; wait > 0; wait--) await turn();
            running--;
            if (Number(text) % 10 === 0) throw Object.assign(new Error(text), { code: "TENTH" });
            return `answer ${text}`;
          },
        },
      },
    );
    const asked = Array.from({ length: 10_000 }, (_, index) => one.requests.request(1, String(index)));
    assert.equal(one.requests.pending, 10_000);
    const settled = await Promise.allSettled(asked);
    settled.forEach((result, index) => {
      if (result.status === "fulfilled") {
        assert.notEqual(index % 10, 0);
        assert.equal(result.value.text, `answer ${index}`);
      } else {
        assert.equal(index % 10, 0);
        assert.equal(result.reason.code, "TENTH");
        assert.equal(result.reason.message, String(index));
      }
    });
    assert.equal(most, 256);
    assert.equal(one.requests.pending, 0);
    assert.equal(other.requests.running, 0);
    assert.equal(other.requests.waiting, 0);
    assert.deepEqual(
      other.positions,
      Array.from({ length: 10_000 }, (_, index) => index + 1),
    );
  });

  test("10,000 concurrent requests that are aborted at random leave nothing behind", async () => {
    const [one, other] = linkedRequests(
      {},
      { handlers: { 1: (request) => (request.text === "short" ? "done" : untilAborted(request)) } },
    );
    const controllers = Array.from({ length: 10_000 }, () => new AbortController());
    const asked = controllers.map(({ signal }, index) =>
      one.requests.request(1, index % 3 === 0 ? "short" : "long", { signal, timeoutMs: 600_000 }),
    );
    const settled = Promise.allSettled(asked);
    for (let index = 0; index < controllers.length; index++) {
      if (index % 100 === 0) await turn();
      // 7919 and 10000 have no common factor, so that each is reached once, in another order.
      controllers[(index * 7_919) % controllers.length]?.abort();
    }
    const states = (await settled).map((result, index) =>
      result.status === "rejected" ? result.reason.name : `${index % 3} ${result.value.text}`,
    );
    assert.deepEqual([...new Set(states)].sort(), ["0 done", "AbortError"]);
    await until(() => other.requests.running === 0);
    assert.equal(other.requests.waiting, 0);
    assert.equal(other.positions.length, 10_000);
    assert.equal(one.requests.pending, 0);
  });
});

const notNative = new PeerError("ERR_PEER_NOT_NATIVE", "golang-ipc");

/** The session is lost before it had sent requests 1 to 3, which the next session does not take. */
function refuse(requests: Requests, wire: RecordingWire, error: Error): void {
  wire.refusals.push(error, error, error);
  requests.lost(
    sessionLost(),
    [1, 2, 3].map((id) => ({ id, type: 1, data: toBytes("") })),
  );
}

describe("each way in which it can be over", () => {
  const ends: Record<string, { end(requests: Requests, wire: RecordingWire): void; code: string }> = {
    "a close of ours": { end: (requests) => requests.end(closedError()), code: "ERR_CLOSED" },
    "a peer that broke the protocol": {
      end: (requests) => requests.end(new PeerError("ERR_FRAME_INVALID", "broken")),
      code: "ERR_FRAME_INVALID",
    },
    "a connection that is lost for good": {
      end: (requests) => requests.end(new PeerError("ERR_CONNECTION_LOST", "lost")),
      code: "ERR_CONNECTION_LOST",
    },
    "a client that gave up": {
      end: (requests) => requests.end(closedError(new Error("no server"))),
      code: "ERR_CLOSED",
    },
    "the loss of the session": { end: (requests) => requests.lost(sessionLost()), code: "ERR_SESSION_LOST" },
    "the loss of the session, of which all was sent": {
      end: (requests) => requests.lost(sessionLost(), []),
      code: "ERR_SESSION_LOST",
    },
    "a server that turns out to be golang-ipc's": {
      end: (requests, wire) => refuse(requests, wire, notNative),
      code: "ERR_PEER_NOT_NATIVE",
    },
    "a server that takes less": {
      end: (requests, wire) => refuse(requests, wire, new CallerError("ERR_MESSAGE_TOO_LARGE", "too large")),
      code: "ERR_MESSAGE_TOO_LARGE",
    },
  };

  for (const [how, { end, code }] of Object.entries(ends)) {
    test(`${how} settles every promise, with ${code}`, async () => {
      const wire = new RecordingWire();
      const requests = new Requests(wire, handling());
      const { signal } = new AbortController();
      const asked = [
        requests.request(1, ""),
        requests.request(1, "", { timeoutMs: 600_000 }),
        requests.request(1, "", { timeoutMs: 600_000, signal }),
      ];
      end(requests, wire);
      for (const request of asked) await assert.rejects(request, { code });
      assert.equal(requests.pending, 0);
    });
  }

  test("a handler that never settles holds up nobody's end", async () => {
    const requests = new Requests(
      new RecordingWire(),
      handling({ handlers: { 1: () => new Promise(() => {}) } }),
    );
    requests.received({ id: 1, type: 1, data: toBytes(""), position: 1 });
    const asked = requests.request(1, "");
    requests.end(closedError());
    await assert.rejects(asked, { code: "ERR_CLOSED" });
    assert.equal(requests.running, 1);
  });

  test("answers and failures are distinguished, and room lets what waits go on", async () => {
    const wire = new RecordingWire();
    const requests = new Requests(wire, handling({ handlers: { 1: () => "yes" } }));
    const asked = [requests.request(1, ""), requests.request(1, "")] as const;
    requests.answered({ id: 1, data: toBytes("yes") });
    requests.failed({ id: 2, code: "NO", message: "no" });
    assert.equal((await asked[0]).text, "yes");
    await assert.rejects(asked[1], { code: "NO", message: "no" });
    wire.congested = true;
    requests.received({ id: 1, type: 1, data: toBytes(""), position: 1 });
    assert.equal(requests.waiting, 1);
    wire.congested = false;
    requests.progressed();
    assert.equal(wire.sent.at(-1), "answer 1 yes");
    assert.equal(await isSettled(Promise.all(asked).catch(() => {})), true);
  });
});
