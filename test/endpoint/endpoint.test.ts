import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Endpoint } from "sealpipe";
import { exitOf, isEvent, startChild } from "../support/children.ts";
import { connectedPair } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { record, turns, until } from "../support/waiting.ts";

const timeout = 60_000;

describe("every endpoint", { timeout }, () => {
  test("is one: the server, the client and the server's end of the connection", async (t) => {
    const { server, client, connection } = await connectedPair(t);
    for (const endpoint of [server, client, connection]) assert.ok(endpoint instanceof Endpoint);
  });

  test("reports a status once", async (t) => {
    const { client, server } = await connectedPair(t);
    const statuses = record<string>(client, "status");
    void client.close();
    void client.close();
    await client.close();
    assert.deepEqual(statuses, ["closing", "closed"]);
    const atServer = record<string>(server, "status");
    await server.close();
    assert.deepEqual(atServer, ["closing", "closed"]);
  });

  test("gives what has waited to a listener that comes, after the call and not within it", async (t) => {
    const { client, server } = await connectedPair(t);
    await client.write(1, "");
    await client.write(2, "");
    await turns();
    const types: number[] = [];
    server.on("message", ({ type }) => types.push(type));
    const others: number[] = [];
    server.on("message", ({ type }) => others.push(type));
    assert.deepEqual(types, []);
    await until(() => types.length === 2);
    assert.deepEqual(types, [1, 2]);
    assert.deepEqual(others, [1, 2]);
  });

  test("gives a listener for one message one, and keeps the rest", async (t) => {
    const { client, server } = await connectedPair(t);
    for (let type = 1; type <= 3; type++) await client.write(type, "");
    await turns();
    const types: number[] = [];
    server.once("message", ({ type }) => types.push(type));
    await until(() => types.length === 1);
    await turns();
    assert.deepEqual(types, [1]);
    assert.equal((await server.read()).type, 2);
    assert.equal((await server.read()).type, 3);
  });

  test("takes other listeners without giving them messages", async (t) => {
    const { client, server } = await connectedPair(t);
    await client.write(1, "");
    server.on("close", () => {});
    await turns();
    assert.equal((await server.read()).type, 1);
  });

  test("removes all listeners, or those of one event, if that is asked for", async (t) => {
    const { server } = await connectedPair(t);
    server.on("message", () => {});
    server.on("status", () => {});
    server.on("close", () => {});
    server.removeAllListeners("status");
    assert.deepEqual(
      ["message", "status", "close"].map((event) => server.listenerCount(event)),
      [1, 0, 1],
    );
    server.removeAllListeners();
    assert.deepEqual(
      ["message", "status", "close"].map((event) => server.listenerCount(event)),
      [0, 0, 0],
    );
  });

  test("lets iteration be left and resumed", async (t) => {
    const { client, server } = await connectedPair(t);
    for (let type = 1; type <= 4; type++) await client.write(type, "");
    const types: number[] = [];
    for await (const { type } of server) {
      types.push(type);
      if (types.length === 2) break;
    }
    for await (const { type } of server) {
      types.push(type);
      if (types.length === 4) break;
    }
    assert.deepEqual(types, [1, 2, 3, 4]);
    assert.equal(server.status, "listening");
  });
});

describe("a listener that throws", { timeout }, () => {
  test("is an uncaught exception, and harms neither its connection nor another", async () => {
    const child = startChild("throwing-listener", freshName());
    const uncaught: unknown[] = [];
    const answers: unknown[] = [];
    for (;;) {
      const line = await child.until(() => true);
      if (line["event"] === "uncaught") uncaught.push(line["message"]);
      if (line["event"] === "answered") answers.push(line["text"]);
      if (line["event"] === "closed") break;
    }
    assert.deepEqual(uncaught, [
      "the listener for connections threw",
      "the listener threw for 1",
      "the async listener rejected for 5",
      "the listener for errors threw",
    ]);
    assert.deepEqual(answers, ["after it", "reject", "from another", "to the end"]);
    assert.equal(await exitOf(child), 0);
  });
});

describe("a process in which all is closed", { timeout }, () => {
  for (const how of [
    "close",
    "destroy",
    "using",
    "connect-timeout",
    "abort",
    "failed-handshake",
    "reading",
  ]) {
    test(`ends by itself after "${how}"`, async () => {
      const child = startChild("whole-life", freshName(), how);
      await child.until(isEvent("done"));
      assert.equal(await exitOf(child), 0, child.stderr);
    });
  }
});
