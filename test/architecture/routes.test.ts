import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { ReceiveLane } from "#dist/protocol/native/lanes/receive-lane.js";
import { SendLane } from "#dist/protocol/native/lanes/send-lane.js";
import { connectedPair } from "../support/endpoints.ts";
import { until } from "../support/waiting.ts";

// The routes that CONTRIBUTING.md walks, as the calls that are on the stack when a message is at their ends.

const library = new URL("../../../dist/", import.meta.url).href;

/** The library's functions on the stack of now, the outermost first: `["client.write", …]`. */
function route(): string[] {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = before;
  return stack
    .split("\n")
    .filter((line) => line.includes(library))
    .map((line) => /at (?:async )?(\S+) /.exec(line)?.[1] ?? line.trim())
    .reverse();
}

/** The route to that method whenever it is called. */
function routesTo<T extends object>(t: TestContext, owner: T, method: keyof T & string): string[][] {
  const routes: string[][] = [];
  const original = owner[method] as (...given: unknown[]) => unknown;
  t.mock.method(owner, method, function (this: unknown, ...given: unknown[]) {
    routes.push([...route(), method]);
    return original.apply(this, given);
  } as never);
  return routes;
}

describe("a message on its way", () => {
  test("comes from write to its lane in at most five calls", async (t) => {
    const { client } = await connectedPair(t);
    const routes = routesTo(t, SendLane.prototype, "commit");
    client.write(1, "hello");
    assert.equal(routes.length, 1);
    const calls = routes[0] as string[];
    t.diagnostic(calls.join(" > "));
    assert.ok(calls.length > 1 && calls.length <= 5);
  });

  test("comes from the socket to its listener in at most seven calls", async (t) => {
    const { client, server } = await connectedPair(t);
    const heard = new Promise<string[]>((resolve) => server.on("message", () => resolve(route())));
    client.write(1, "hello");
    const [fromSocket, ...calls] = await heard;
    // The call of the listener is one of them, and the first is the socket's.
    t.diagnostic([fromSocket, ...calls, "listener"].join(" > "));
    assert.ok(calls.length > 1 && calls.length + 1 <= 7);
  });

  test("is consumed in its lane by read in at most four calls", async (t) => {
    const { client, server } = await connectedPair(t);
    client.write(1, "hello");
    const [connection] = server.connections;
    assert.ok(connection);
    await until(() => (connection as unknown as { life: { hasUnread: boolean } }).life.hasUnread);
    const routes = routesTo(t, ReceiveLane.prototype, "consume");
    await server.read();
    const [first, ...calls] = routes[0] as string[];
    assert.equal(first?.endsWith("read"), true);
    t.diagnostic([first, ...calls].join(" > "));
    assert.ok(calls.length > 1 && calls.length <= 4);
  });
});
