import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { startClient, startServer } from "sealpipe";
import { parseClientOptions, parseServerOptions } from "#dist/endpoint/options/parse-options.js";
import { isServerAlive } from "#dist/endpoint/server/liveness.js";
import type { Address } from "#dist/transport/address.js";
import { createMemoryTransports } from "../support/memory-transport.ts";
import { freshName } from "../support/names.ts";

const optionNames = Object.keys({ ...parseServerOptions(), ...parseClientOptions(), timeoutMs: 0 });

/** Where the library has read one of the names from an object that does not have it. */
const reads: string[] = [];

/** Puts every option's name into `Object.prototype`, as a getter that tells who of the library has read it. */
function pollute(): void {
  for (const name of optionNames) {
    Object.defineProperty(Object.prototype, name, {
      configurable: true,
      get() {
        const reader = new Error().stack?.split("\n")[2] ?? "";
        if (reader.includes("/dist/")) reads.push(`${name} ${reader.trim()}`);
        return undefined;
      },
      // As if the prototype had no such property: others may set one of that name on their own objects.
      set(value: unknown) {
        Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true });
      },
    });
  }
}

function clean(): void {
  for (const name of optionNames) delete (Object.prototype as Record<string, unknown>)[name];
}

describe("an option that was not given is not looked for in Object.prototype", { timeout: 20_000 }, () => {
  beforeEach(() => {
    reads.length = 0;
    pollute();
  });
  afterEach(clean);

  for (const profile of ["auto", "classic"] as const) {
    test(`by a server with profile ${profile}, its client, their reads and their requests`, async () => {
      const server = await startServer(freshName(), { profile });
      const client = await startClient(server.name, { profile });
      await client.write(1, "asked");
      assert.equal((await server.read()).text, "asked");
      await server.broadcast(2, "told");
      assert.equal((await client.read({})).text, "told");
      if (profile === "auto") {
        server.handle(3, ({ text }) => text);
        assert.equal((await client.request(3, "again", {})).text, "again");
      }
      for (const end of [client, server]) await end.close();
      assert.deepEqual(reads, []);
    });
  }

  test("by a start that asks whether a server is alive", async () => {
    const provider = createMemoryTransports();
    const address: Address = { kind: "unix-socket", path: "/somewhere" };
    const listener = await provider.listen(address, {
      openToAllUsers: false,
      isAlive: async () => true,
      accepted: (transport) => transport.destroy(),
      failed: () => {},
    });
    assert.equal(await isServerAlive(address, provider), true);
    await listener.close();
    assert.deepEqual(reads, []);
  });
});
