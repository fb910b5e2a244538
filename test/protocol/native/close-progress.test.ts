import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPair } from "../../support/engine-pair.ts";
import { nativeFrame, weightOf } from "../../support/native-frames.ts";

const second = 1_000;

/** A client with more to send than the window of a server lets it, closed; it pings every second. */
function closing(): ReturnType<typeof openPair> {
  const pair = openPair({
    client: { native: { keepaliveIntervalMs: second, keepaliveTimeoutMs: 2 * second } },
    server: { native: {} },
  });
  for (let type = 1; type <= 4; type++) pair.client.send(type, new Uint8Array(60_000));
  pair.run();
  pair.client.close();
  return pair.run();
}

function pass(pair: ReturnType<typeof openPair>, ms: number): void {
  pair.clock.advance(ms);
  for (const end of [pair.client, pair.server]) end.engine.handleTimeout(pair.clock.now());
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
    server.session?.consumed("messages", weightOf(nativeFrame("message", [1], new Uint8Array(60_000))));
    pair.run();
    for (let passed = 0; passed < 4; passed++) pass(pair, second);
    assert.deepEqual(pair.client.events, []);
    pass(pair, second);
    assert.deepEqual(pair.client.events, ["closed ERR_CLOSE_TIMEOUT"]);
  });

  for (const closer of ["client", "server"] as const) {
    /** More than the window lets it say, at once and in small messages, closed; what its peer has taken of them. */
    const slow = () => {
      const pair = openPair({ client: { native: {} }, server: { native: {} } });
      const [end, peer] = closer === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
      for (let sent = 0; sent < 1_000; sent++) end.send(1, new Uint8Array(928));
      pair.run();
      end.close();
      pair.run();
      let taken = 0;
      const take = (count: number): void => {
        for (let more = 0; more < count; more++) {
          taken += weightOf(nativeFrame("message", [1], new Uint8Array(928)));
          peer.session?.consumed("messages", taken);
        }
      };
      return { pair, end, take };
    };

    test(`goes on for one that takes a tenth each time (${closer})`, () => {
      const { pair, end, take } = slow();
      for (let tenths = 0; tenths < 8; tenths++) {
        for (let passed = 0; passed < 4; passed++) pass(pair, second);
        take(50);
        pair.run();
        pass(pair, second - 1);
        take(50);
        pair.run();
        assert.deepEqual(end.events, [], `${tenths}`);
      }
      take(50);
      pair.run();
      take(50);
      pair.run();
      assert.deepEqual(end.events, ["closed"]);
    });

    test(`ends after closeTimeoutMs for one that takes less than a tenth in it (${closer})`, () => {
      const { pair, end, take } = slow();
      for (let taken = 0; taken < 99; taken++) {
        take(1);
        pass(pair, 50);
      }
      assert.deepEqual(end.events, []);
      pass(pair, 50);
      assert.deepEqual(end.events, ["closed ERR_CLOSE_TIMEOUT"]);
    });
  }
});
