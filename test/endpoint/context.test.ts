import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CallerError, type Client, createClient, type Stream, type TraceContext } from "sealpipe";
import { directions } from "../support/asking.ts";
import { pattern } from "../support/bytes.ts";
import { connectedPair, connectTo, freshServer, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";

const timeout = 60_000;
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const tracestate = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

for (const [who, connect] of Object.entries(directions)) {
  describe(`the context of what ${who} opens`, { timeout }, () => {
    for (const [what, context, expected] of [
      ["both fields", { traceparent, tracestate }, { traceparent, tracestate }],
      ["a traceparent alone", { traceparent }, { traceparent }],
      ["an empty tracestate", { traceparent, tracestate: "" }, { traceparent }],
      ["a later version", { traceparent: `cc${traceparent.slice(2)}-more` }, { traceparent }],
      ["other fields of a carrier", { traceparent, baggage: "a=1" }, { traceparent }],
      ["a carrier without a trace", { baggage: "a=1" }, undefined],
      ["nothing", undefined, undefined],
    ] as const) {
      test(`is a request's and a stream's, small and large, with ${what}`, async (t) => {
        const { asker, answerer } = await connect(t);
        const heard: (TraceContext | undefined)[] = [];
        answerer.handle(1, (request) => {
          heard.push(request.context);
          return "";
        });
        answerer.handleStream(1, (stream: Stream) => {
          heard.push(stream.context);
        });
        for (const bytes of [1, 200_000]) {
          await asker.request(1, pattern(bytes), { context: context as object });
          const stream = await asker.openStream(1, pattern(bytes), { context: context as object });
          assert.deepEqual(stream.context, expected, "at the opener, too");
          assert.equal(await stream.read(), undefined);
        }
        assert.deepEqual(heard, [expected, expected, expected, expected]);
      });
    }
  });
}

describe("a context that is none", { timeout }, () => {
  const wrong: readonly unknown[] = [
    null,
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    5,
    { traceparent: "" },
    { traceparent: 5 },
    { traceparent: traceparent.toUpperCase() },
    { traceparent: `${traceparent}-00` },
    { traceparent, tracestate: 5 },
    { traceparent, tracestate: "a".repeat(513) },
    { traceparent, tracestate: "é" },
  ];
  for (const context of wrong) {
    test(`is refused: ${JSON.stringify(context)}`, async (t) => {
      const { client } = await connectedPair(t);
      const isInvalid = (error: unknown) =>
        error instanceof CallerError && error.code === "ERR_INVALID_OPTION" && /^context/.test(error.message);
      await assert.rejects(client.request(1, "", { context: context as object }), isInvalid);
      await assert.rejects(client.openStream(1, "", { context: context as object }), isInvalid);
    });
  }

  test("is what was checked, whatever a getter says the next time", async (t) => {
    const { client, server } = await connectedPair(t);
    server.handle(1, ({ context }) => JSON.stringify(context));
    let reads = 0;
    const context = {
      get traceparent() {
        reads += 1;
        return reads === 1 ? traceparent : "no longer";
      },
    };
    assert.deepEqual(JSON.parse((await client.request(1, "", { context })).text), { traceparent });
  });
});

describe("a context that waits", { timeout }, () => {
  const clientOf = (name: string): Client => createClient(name, { retryDelayMs: 5 });

  test("for a server arrives with its request and its stream", async (t) => {
    const name = freshName();
    const client = clientOf(name);
    t.after(() => client.close());
    const asked = client.request(1, "", { context: { traceparent, tracestate } });
    const opened = client.openStream(1, "", { context: { traceparent } });
    const server = await serverAt(t, name);
    server.handle(1, ({ context }) => JSON.stringify(context));
    server.handleStream(1, async (stream) => {
      await stream.write(JSON.stringify(stream.context));
    });
    assert.deepEqual(JSON.parse((await asked).text), { traceparent, tracestate });
    assert.deepEqual(JSON.parse((await (await opened).read())?.text ?? ""), { traceparent });
  });
});

test("a golang-ipc peer has no requests to give a context", { timeout }, async (t) => {
  const server = await freshServer(t, { profile: "classic" });
  const { client } = await connectTo(t, server);
  await assert.rejects(client.request(1, "", { context: { traceparent } }), { code: "ERR_PEER_NOT_NATIVE" });
});
