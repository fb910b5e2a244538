import assert from "node:assert/strict";
import { test } from "node:test";
import { contract, event } from "sealpipe/contract";
import { z } from "zod";
import { contractPair } from "../support/contracts.ts";
import { until } from "../support/waiting.ts";

const chat = contract("chat", { chat: event(1, z.string()), stopped: event(2) });

test("an error that a contract's listener throws is an uncaught exception, also if the listener is async", async (t) => {
  const { app, server } = await contractPair(t, chat, {});
  const uncaught: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error));
  try {
    app.on.chat(() => {
      throw new Error("at once");
    });
    app.on.stopped(async () => {
      throw new Error("later");
    });
    server.emit.chat("a");
    server.emit.stopped();
    await until(() => uncaught.length === 2);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  }
  assert.deepEqual(
    uncaught.map((error) => (error as Error).message),
    ["at once", "later"],
  );
});
