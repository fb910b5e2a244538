import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, type Status } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { freshServer, serverAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { connectThroughRelay } from "../support/relay.ts";
import { nextEvent } from "../support/waiting.ts";

describe("a request that a listener for the status makes", { timeout: 60_000 }, () => {
  test("is answered, if something was written before there was a server", async (t) => {
    const name = freshName();
    const client = createClient(name, { retryDelayMs: 5 });
    t.after(() => client.close());
    const asked = new Promise<unknown>((resolve) => {
      client.on("status", (status: Status) => {
        if (status === "connected") resolve(outcomeOf(client.request(1, "now").then(({ text }) => text)));
      });
    });
    client.write(1, "before");
    const server = await serverAt(t, name);
    server.handle(1, ({ text }) => `answer to ${text}`);
    assert.equal(await asked, "answer to now");
  });

  test("is answered by the next session, if the one before was lost in order", async (t) => {
    const server = await freshServer(t);
    server.handle(1, ({ text }) => `answer to ${text}`);
    const { client, connection } = await connectThroughRelay(t, server);
    const asked = new Promise<unknown>((resolve) => {
      client.once("status", () =>
        resolve(outcomeOf(client.request(1, "meanwhile").then(({ text }) => text))),
      );
    });
    const back = nextEvent(server, "connection");
    await connection.close();
    await back;
    assert.equal(await asked, "answer to meanwhile");
  });
});
