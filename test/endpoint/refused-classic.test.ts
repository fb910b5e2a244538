import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, type Retry, type SealpipeError } from "sealpipe";
import { freshServer } from "../support/endpoints.ts";
import { nextEvent, record } from "../support/waiting.ts";

describe("a classic client of a server with a secret", { timeout: 60_000 }, () => {
  test("hears that its connections end, how often and why that may be, and pauses longer and longer", async (t) => {
    const server = await freshServer(t, { secret: "open sesame" });
    const client = createClient(server.name, { profile: "classic", retryDelayMs: 8, maxRetryDelayMs: 512 });
    t.after(() => client.close());
    const refusals = record<SealpipeError>(server, "error");
    const errors = record<SealpipeError>(client, "error");
    const pauses: number[] = [];
    while (pauses.length < 5) pauses.push((await nextEvent<[Retry]>(client, "retrying"))[0].delayMs);
    assert.deepEqual(
      errors.map(({ code, message }) => [code, /ended (\d+) connections in a row/.exec(message)?.[1]]),
      [
        ["ERR_HANDSHAKE_REJECTED", "2"],
        ["ERR_HANDSHAKE_REJECTED", "4"],
      ],
    );
    assert.match(errors[0]?.message ?? "", /may want a secret/);
    assert.ok((pauses[4] as number) > (pauses[0] as number) * 4, `${pauses}`);
    assert.equal(refusals.length, 1, "and the server tells of it once");
    assert.match(client.lastError?.message ?? "", /ended 5 connections/);
  });
});
