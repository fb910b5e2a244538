import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createClient, startClient, startServer } from "sealpipe";
import { freshName } from "../support/names.ts";
import { nextEvent } from "../support/waiting.ts";

describe("a derived key", { timeout: 60_000 }, () => {
  test("is the same at both ends, and another for each label and each secret", async () => {
    await using server = await startServer(freshName(), { secret: "one" });
    await using client = await startClient(server.name, { secret: "one" });
    await using other = await startServer(freshName(), { secret: "another" });
    assert.equal(server.deriveKey("a")?.length, 32);
    assert.deepEqual(server.deriveKey("a"), client.deriveKey("a"));
    const keys = [server.deriveKey("a"), server.deriveKey("b"), other.deriveKey("a")];
    assert.equal(new Set(keys.map(String)).size, 3);
  });

  test("is of a secret in a file once a client has read it", async () => {
    const directory = mkdtempSync(join(tmpdir(), "sealpipe-key-"));
    const secretFile = join(directory, "secret");
    const client = createClient(freshName(), { secretFile });
    assert.throws(() => client.deriveKey("a"), { code: "ERR_NOT_CONNECTED" });
    await using server = await startServer(client.name, { secretFile });
    await client.connected();
    assert.deepEqual(client.deriveKey("a"), server.deriveKey("a"));
    await client.close();
    rmSync(directory, { recursive: true });
  });

  test("is none without a secret, and has a label that is text", async () => {
    await using server = await startServer(freshName());
    const connected = nextEvent(server, "connection");
    await using client = await startClient(server.name);
    await connected;
    assert.deepEqual([server.deriveKey("a"), client.deriveKey("a")], [undefined, undefined]);
    for (const label of ["", "x".repeat(256), "\ud800", 5, undefined]) {
      assert.throws(() => server.deriveKey(label as string), { code: "ERR_INVALID_ARGUMENT" });
    }
    assert.deepEqual([client.duplex, server.connections[0]?.duplex], [undefined, undefined]);
  });
});
