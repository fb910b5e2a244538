import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Connection, Message } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { clientAt, freshServer } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { Relay } from "../support/relay.ts";
import { nextEvent, record } from "../support/waiting.ts";

/** Of all of them: each starts a process or two, which take their time on Wine. */
const timeout = 240_000;

describe("a process with nothing but what is unref'd", { timeout }, () => {
  for (const [how, title] of [
    ["server", "ends beside a server"],
    ["server-with-clients", "ends beside a server and clients that are connected to it"],
    ["connecting", "ends beside a client that waits for its server"],
  ] as const) {
    test(title, async () => {
      const child = startChild("unreferenced", how, freshName());
      assert.equal(await exitOf(child), 0, child.stderr);
    });
  }

  for (const [how, title] of [
    ["client", "ends beside a client that is connected"],
    ["reading", "ends though a read of its client waits"],
  ] as const) {
    test(title, async (t) => {
      const server = await freshServer(t, { resumeWindowMs: 0 });
      const left = nextEvent<[Connection]>(server, "connection").then(([connection]) =>
        nextEvent(connection, "close"),
      );
      const child = startChild("unreferenced", how, server.name);
      assert.equal(await exitOf(child), 0, child.stderr);
      await left;
    });
  }

  test("ends beside a client that is held up because nobody reads", async (t) => {
    const server = await freshServer(t, { encryption: false });
    const connected = nextEvent<[Connection]>(server, "connection");
    const child = startChild("unreferenced", "paused", server.name);
    const [connection] = await connected;
    for (let count = 0; count < 60; count++) void connection.write(1, pattern(10_000));
    await child.until(isEvent("ready"));
    assert.equal(await exitOf(child), 0, child.stderr);
  });

  for (const how of ["lost-then-unref", "unref-then-lost"] as const) {
    const when = how === "lost-then-unref" ? "while" : "before";
    test(`ends beside a client that reconnects, if it was unref'd ${when} it did`, async (t) => {
      const server = await freshServer(t);
      const child = startChild("unreferenced", how, server.name);
      await child.until(isEvent("ready"));
      await server.close();
      assert.equal(await exitOf(child), 0, child.stderr);
    });
  }

  test("still sends what its client wrote", async (t) => {
    const server = await freshServer(t);
    const child = startChild("unreferenced", "writes", server.name);
    assert.equal((await server.read({ timeoutMs: 20_000 })).data.length, 1_000_000);
    assert.equal(await exitOf(child), 0, child.stderr);
  });

  test("lives until a close has settled", async (t) => {
    const server = await freshServer(t);
    const child = startChild("unreferenced", "closes", server.name);
    await child.until(isEvent("closed"));
    assert.equal(await exitOf(child), 0, child.stderr);
  });

  test("lives on for a client that was ref'd again", async (t) => {
    const server = await freshServer(t);
    const child = startChild("unreferenced", "ref-again", server.name);
    await child.until(isEvent("ready"));
    // A new process would have ended long before.
    await exitOf(startChild("unreferenced", "client", server.name));
    void server.broadcast(1, "still there?");
    assert.equal((await child.until(isEvent("message")))["text"], "still there?");
    assert.equal(await exitOf(child), 0, child.stderr);
  });

  test("lives on for a connection that was ref'd, of a server that is not", async () => {
    const child = startChild("unreferenced", "connection", freshName());
    assert.equal((await child.until(isEvent("message")))["text"], "kept alive");
    assert.equal(await exitOf(child), 0, child.stderr);
  });

  test("lives on for a connection that was ref'd even if its client was lost and is back", async (t) => {
    const name = freshName();
    const child = startChild("unreferenced", "resumed", name);
    await child.until(isEvent("listening"));
    const relay = await Relay.start(t, addressOf(name));
    const client = await clientAt(t, relay.name);
    await child.until(isEvent("connected"));
    relay.cut();
    await child.until(isEvent("back"));
    // A new process would have ended long before.
    await exitOf(startChild("unreferenced", "connecting", freshName()));
    await client.write(1, "still there?");
    assert.equal((await child.until(isEvent("message")))["text"], "still there?");
    assert.equal(await exitOf(child), 0, child.stderr);
  });
});

describe("a client's process that calls process.exit", { timeout }, () => {
  for (const profile of ["native", "classic"] as const) {
    for (const how of ["exit", "flush", "close"] as const) {
      const promise =
        how === "exit" ? "loses the last of what it wrote, and nothing before" : "loses nothing";
      const when = how === "exit" ? "right after it wrote" : `after a ${how}`;
      test(`${promise}: ${when}, ${profile}`, async (t) => {
        const server = await freshServer(t, { resumeWindowMs: 0 });
        const connected = nextEvent<[Connection]>(server, "connection");
        const child = startChild("writes-and-exits", server.name, profile, how);
        const [connection] = await connected;
        const heard = record<Message>(connection, "message");
        const closed = nextEvent(connection, "close");
        assert.equal(await exitOf(child), 0, child.stderr);
        await closed;
        const all = Array.from({ length: 2_000 }, (_, index) => index + 1);
        const types = heard.map(({ type }) => type);
        assert.deepEqual(types, all.slice(0, types.length));
        assert.equal(types.length === 2_000, how !== "exit", `${types.length} arrived`);
        t.diagnostic(`${types.length} of 2000 arrived`);
      });
    }
  }
});
