import assert from "node:assert/strict";
import { test } from "node:test";
import { type SealpipeError, startClient, startServer } from "sealpipe";
import { nodeCrypto } from "#dist/crypto/node.js";
import { freshName } from "../support/names.ts";
import { until } from "../support/waiting.ts";

// As after 80 minutes of 900,000 messages a second.
Object.assign(nodeCrypto, { randomNoncesPerKey: 50 });

test("a client whose connection's key has sealed all that it may goes on with another, and loses nothing", async (t) => {
  const server = await startServer(freshName(), { profile: "classic" });
  t.after(() => server.close());
  const client = await startClient(server.name, { profile: "classic", retryDelayMs: 1 });
  t.after(() => client.close());
  const errors: SealpipeError[] = [];
  client.on("error", (error) => errors.push(error));
  server.on("error", () => {});
  const received: number[] = [];
  server.on("message", ({ type }) => received.push(type));
  for (let type = 1; type <= 200; type++) {
    await client.write(type, "message");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => received.length === 200);
  assert.deepEqual(
    received,
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  assert.ok(errors.length >= 3);
  assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(["ERR_KEY_EXHAUSTED"]));
  assert.equal(errors[0]?.fault, "peer");
});

test("a server goes on after one connection's key is used up, and what it writes then is dropped without an error", async (t) => {
  const server = await startServer(freshName(), { profile: "classic" });
  t.after(() => server.close());
  const told: string[] = [];
  server.on("error", ({ code }) => told.push(code));
  server.on("connection", (connection) => {
    for (let type = 1; type <= 100; type++) connection.write(type, "message");
  });
  const client = await startClient(server.name, { profile: "classic", retryDelayMs: 60_000 });
  t.after(() => client.close());
  const codes: string[] = [];
  client.on("error", ({ code }) => codes.push(code));
  // The maximum size is the first that the key seals.
  for (let type = 1; type <= 49; type++) assert.equal((await client.read()).type, type);
  await until(() => client.status === "reconnecting");
  assert.deepEqual(codes, ["ERR_KEY_EXHAUSTED"]);
  await until(() => told.length > 0);
  assert.deepEqual(told, ["ERR_KEY_EXHAUSTED"]);
  const other = await startClient(server.name, { profile: "classic" });
  t.after(() => other.close());
  assert.equal((await other.read()).type, 1);
});
