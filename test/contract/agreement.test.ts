import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerError, startClient, startServer } from "sealpipe";
import { cbor } from "sealpipe/cbor";
import {
  bind,
  connect,
  contract,
  event,
  exportContract,
  implement,
  method,
  offer,
  serve,
} from "sealpipe/contract";
import { msgpack } from "sealpipe/msgpack";
import { z } from "zod";
import { rejection } from "../support/contracts.ts";
import { freshName } from "../support/names.ts";
import { nextEvent } from "../support/waiting.ts";

const open = method(1, { input: z.object({ path: z.string() }), output: z.string() });
const older = contract("files", { open, told: event(2, z.string()) }, { version: "1" });
const handlers = { open: () => "text" };

/** What becomes of a client with `older` at a server that implements `theirs`. */
async function outcome(
  theirs: Parameters<typeof exportContract>[0],
  theirHandlers: object,
): Promise<unknown> {
  const name = freshName();
  await using server = await serve(name, theirs, theirHandlers as never);
  const app = await connect(name, older).catch((error: unknown) => error);
  if (app instanceof PeerError) {
    assert.equal(app.code, "ERR_CONTRACT_MISMATCH");
    assert.deepEqual(
      server.endpoint.connections.filter(({ status }) => status === "connected").length <= 1,
      true,
    );
    return app.message;
  }
  const { has, close } = app as Awaited<ReturnType<typeof connect<{ open: typeof open }>>>;
  const members = [has("open"), has("told" as never), has("toString" as never)];
  await close();
  return members;
}

describe("a client finds out as it connects", () => {
  test("that the server has the same", async () => {
    assert.deepEqual(await outcome(older, handlers), [true, true, false]);
    assert.deepEqual(await outcome(contract("files", { ...older }, { version: "1" }), handlers), [
      true,
      true,
      false,
    ]);
  });

  test("that the server has more, or accepts more", async () => {
    const wider = method(1, {
      input: z.object({ path: z.string().optional(), lines: z.number().optional() }),
      output: z.string(),
      errors: { NOT_FOUND: z.string() },
    });
    const newer = contract("files", { open: wider, told: older.told, more: method(3) }, { version: "2" });
    assert.deepEqual(await outcome(newer, { ...handlers, more() {} }), [true, true, false]);
  });

  test("that the server lacks a member, which is no mismatch", async (t) => {
    const fewer = contract("files", { told: older.told });
    assert.deepEqual(await outcome(fewer, {}), [false, true, false]);
    const server = await serve(freshName(), fewer, {});
    t.after(() => server.close());
    const app = await connect(server.endpoint.name, older);
    t.after(() => app.close());
    assert.equal((await rejection(app.open({ path: "a" }))).code, "ERR_NO_HANDLER");
  });

  const mismatches: [string, Parameters<typeof exportContract>[0], object, RegExp][] = [
    [
      "a schema of another type",
      contract("files", { open: method(1, { input: z.object({ path: z.number() }), output: z.string() }) }),
      handlers,
      /^contract "files" \(version "1" here, "" at the peer\): open: input: path may be a string$/,
    ],
    [
      "a property more that it demands",
      contract("files", {
        open: method(1, { input: z.object({ path: z.string(), mode: z.int() }), output: z.string() }),
      }),
      handlers,
      /: open: input: mode may be missing$/,
    ],
    [
      "an output that may be something else",
      contract("files", {
        open: method(1, { input: z.object({ path: z.string() }), output: z.string().nullable() }),
      }),
      handlers,
      /: open: output: it may be null$/,
    ],
    [
      "another kind under the name",
      contract("files", { open: event(1, z.string()) }),
      {},
      /: open: its kinds are event and method$/,
    ],
    [
      "another number",
      contract("files", { open: method(7, { input: z.object({ path: z.string() }), output: z.string() }) }),
      handlers,
      /: open: its numbers are 1 and 7$/,
    ],
    [
      "another name for the number",
      contract("files", { openFile: method(1, { output: z.string() }) }),
      { openFile: () => "" },
      /: open: its number 1 is that of "openFile"$/,
    ],
    [
      "another direction",
      contract("files", { told: event(2, z.string(), { direction: "from-caller" }) }),
      {},
      /: told: the implementer does not know it as "to-caller"$/,
    ],
    [
      "another codec",
      contract("files", older, { codec: msgpack }),
      handlers,
      /^contract "files" is encoded as json here, and as msgpack by the peer$/,
    ],
    [
      "another contract",
      contract("other", { open }),
      handlers,
      /^the peer speaks of "other", not of "files"$/,
    ],
  ];
  for (const [what, theirs, theirHandlers, message] of mismatches) {
    test(`that the server has ${what}`, async () => {
      assert.match(String(await outcome(theirs, theirHandlers)), message);
    });
  }

  test("nothing of a schema of which there is no JSON Schema", async () => {
    const unknown = contract("files", {
      open: method(1, { input: z.custom<{ path: string }>(), output: z.string() }),
      told: older.told,
    });
    assert.deepEqual(await outcome(unknown, handlers), [true, true, false]);
  });
});

test("a server that announces no contract is accepted, and asked nothing", async (t) => {
  const server = await startServer(freshName());
  t.after(() => server.close());
  const asked: number[] = [];
  server.handleAny(({ type }) => {
    asked.push(type);
    return '"text"';
  });
  const app = await connect(server.name, older);
  t.after(() => app.close());
  assert.equal(app.has("open"), true);
  assert.equal(await app.open({ path: "a" }), "text");
  assert.deepEqual(asked, [1]);
});

describe("a server that tells of another version and describes it", () => {
  const told = { codec: "json", contracts: [{ name: "files", version: "9", hash: new Uint8Array(32) }] };
  const answers: [string, () => string | Promise<string>, RegExp | undefined][] = [
    ["with a failure is taken as it is", () => Promise.reject(new Error("no")), undefined],
    ["with no JSON is refused", () => "{", /^the peer's description of "files" is none: /],
    ["with something else is refused", () => '{"sealpipe":"contract/2"}', /is none: it is no description/],
    ["with __proto__ is refused", () => '{"__proto__":{"sealpipe":"contract/1"}}', /__proto__/],
    [
      "with 100000 lists in each other is refused",
      () => `${"[".repeat(1e5)}${"]".repeat(1e5)}`,
      /256 values stand/,
    ],
    [
      "with members that are none is refused",
      () => JSON.stringify({ ...exportContract(older), members: { open: 5 } }),
      /"open" has no kind/,
    ],
    [
      "with kinds that are not known yet is taken as it is",
      () => JSON.stringify({ ...exportContract(older), members: { next: { kind: "subject", number: 9 } } }),
      undefined,
    ],
    [
      "with schemas that refer to themselves for ever is taken as it is",
      () => {
        const endless = {
          $ref: "#/$defs/a",
          $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] } },
        };
        const members = { open: { kind: "method", number: 1, input: endless, output: endless } };
        return JSON.stringify({ ...exportContract(older), members });
      },
      undefined,
    ],
  ];
  for (const [how, answer, message] of answers) {
    test(how, async (t) => {
      const server = await startServer(freshName(), told);
      t.after(() => server.close());
      server.handle(4_294_967_295, ({ text }) => {
        assert.equal(text, "files");
        return answer();
      });
      const app = await connect(server.name, older).catch((error: PeerError) => error);
      if (message === undefined) {
        assert.ok(!(app instanceof Error), String(app));
        await app.close();
        return;
      }
      assert.ok(app instanceof PeerError);
      assert.equal(app.code, "ERR_CONTRACT_MISMATCH");
      assert.match(app.message, message);
    });
  }

  test("never, is given up: after its time, or by the signal", async (t) => {
    const server = await startServer(freshName(), told);
    t.after(() => server.close());
    let asked = () => {};
    server.handle(4_294_967_295, () => {
      asked();
      return new Promise<never>(() => {});
    });
    const controller = new AbortController();
    asked = () => controller.abort(new Error("enough"));
    const error = await rejection(connect(server.name, older, { signal: controller.signal }));
    assert.equal(error.message, "enough");
    asked = () => {};
    const client = await startClient(server.name);
    t.after(() => client.close());
    assert.equal((await rejection(bind(client, older, { timeoutMs: 30 }))).code, "ERR_REQUEST_TIMEOUT");
  });
});

test("a client whose server comes back with another contract ends, and says why", async (t) => {
  const name = freshName();
  const first = await serve(name, older, handlers, { resumeWindowMs: 0 });
  const app = await connect(name, older, { retryDelayMs: 5 });
  t.after(() => app.close());
  assert.equal(await app.open({ path: "a" }), "text");
  const told = nextEvent<[PeerError]>(app.endpoint, "error");
  await first.close();
  const changed = contract("files", { open: method(1, { input: z.number(), output: z.string() }) });
  const second = await serve(name, changed, { open: () => "other" });
  t.after(() => second.close());
  const [error] = await told;
  assert.equal(error.code, "ERR_CONTRACT_MISMATCH");
  await app.close();
  assert.equal(app.endpoint.status, "error");
  const late = await rejection(app.open({ path: "a" }));
  assert.equal(late.code, "ERR_CLOSED");
});

test("a client whose server comes back with more has it then", async (t) => {
  const name = freshName();
  const first = await serve(name, contract("files", { told: older.told }), {}, { resumeWindowMs: 0 });
  const app = await connect(name, older, { retryDelayMs: 5 });
  t.after(() => app.close());
  assert.equal(app.has("open"), false);
  await first.close();
  const second = await serve(name, older, handlers);
  t.after(() => second.close());
  assert.equal(await app.open({ path: "a" }), "text");
  assert.equal(app.has("open"), true);
});

test("the codec is compared before the contracts are", async () => {
  const name = freshName();
  await using _server = await startServer(name, { codec: "cbor" });
  const error = await rejection(connect(name, older));
  assert.equal(error.message, 'contract "files" is encoded as json here, and as cbor by the peer');
  const app = await connect(name, contract("files", { open }, { codec: cbor }));
  await app.close();
});

test("a server may serve several contracts, and announces all", async (t) => {
  const other = contract("other", { count: method(7, { output: z.number() }) });
  const name = freshName();
  const server = await serve(name, older, handlers, { contracts: offer(other).contracts });
  t.after(() => server.close());
  implement(server.endpoint, other, { count: () => 5 });
  const files = await connect(name, older);
  t.after(() => files.close());
  const counts = await bind(files.endpoint, other);
  assert.equal(await counts.count(), 5);
  assert.equal(await files.open({ path: "a" }), "text");
});
