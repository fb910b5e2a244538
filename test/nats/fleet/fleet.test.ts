import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lacksNats } from "../../support/nats-server.ts";
import { fleet } from "./fleet.ts";
import { speeds } from "./speed.ts";

describe("a fleet over a cluster of NATS", { skip: lacksNats(), timeout: 120_000 }, () => {
  test("has all its clients served, by all its servers", async (t) => {
    const { spread, failures, asking } = await fleet({ servers: 5, clients: 60, requests: 600 });
    assert.deepEqual(failures, []);
    assert.ok(spread.min > 0 && spread.max < 60, `${spread.min} to ${spread.max}`);
    t.diagnostic(`${spread.min} to ${spread.max} clients a server, p50 ${asking.p50Ms} ms`);
  });

  test("can be compared with NATS's own", async () => {
    const { requests, messages } = await speeds(2_000, 1);
    for (const speed of [requests.ours, requests.nats, messages.ours, messages.nats]) assert.ok(speed > 0);
  });
});
