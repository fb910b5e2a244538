import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SealpipeError } from "sealpipe";
import { freshServer } from "../support/endpoints.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent } from "../support/waiting.ts";

describe("a connection that its own listener ends when the client is lost", { timeout: 60_000 }, () => {
  for (const how of ["close", "destroy"] as const) {
    test(`by ${how} is waited for no more, and takes no place among those that are`, async (t) => {
      const server = await freshServer(t, { maxDetachedSessions: 1 });
      const first = await connectThroughRelay(t, server, { retryDelayMs: 600_000, maxRetryDelayMs: 600_000 });
      const second = await connectThroughRelay(t, server);
      first.connection.on("error", () => void first.connection[how]());
      const gone = nextEvent(first.connection, "close");
      first.relay.cut();
      await gone;
      assert.deepEqual(server.connections, [second.connection]);

      const lost = nextEvent<[SealpipeError]>(second.connection, "error");
      const back = nextEvent<[SealpipeError]>(second.client, "status").then(() =>
        nextEvent(second.client, "status"),
      );
      second.relay.cut();
      await lost;
      assert.equal(second.connection.status, "reconnecting");
      assert.deepEqual(await back, ["connected"]);
      assert.deepEqual(server.connections, [second.connection]);
    });
  }
});
