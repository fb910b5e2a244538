import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";
import { openPair } from "../../support/session-pair.ts";

const second = 1_000;

/** A client with more to send than the window of a server lets it, closed; it pings every second. */
function closing(): ReturnType<typeof openPair> {
  const pair = openPair({
    client: { native: { keepaliveIntervalMs: second, keepaliveTimeoutMs: 2 * second } },
    server: { native: {} },
  });
  for (let type = 1; type <= 4; type++) pair.client.session.send(type, new Uint8Array(60_000));
  pair.run();
  pair.client.close();
  return pair.run();
}

function pass(pair: ReturnType<typeof openPair>, ms: number): void {
  pair.clock.advance(ms);
  for (const end of [pair.client, pair.server]) end.session.handleTimeout(pair.clock.now());
  pair.run();
}

describe("a close that waits for a peer that takes nothing", () => {
  test("ends after closeTimeoutMs, though the peer answers pings", () => {
    const pair = closing();
    for (let passed = 0; passed < 4; passed++) pass(pair, second);
    assert.deepEqual(pair.client.events, []);
    pass(pair, second);
    assert.deepEqual(pair.client.events, ["closed ERR_CLOSE_TIMEOUT"]);
  });

  test("waits as long again each time that the peer takes something", () => {
    const pair = closing();
    const { server } = pair;
    for (let passed = 0; passed < 4; passed++) pass(pair, second);
    server.session.take("messages", weightOf(nativeFrame("message", [1], new Uint8Array(60_000))));
    pair.run();
    for (let passed = 0; passed < 4; passed++) pass(pair, second);
    assert.deepEqual(pair.client.events, []);
    pass(pair, second);
    assert.deepEqual(pair.client.events, ["closed ERR_CLOSE_TIMEOUT"]);
  });
});
