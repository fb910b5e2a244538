import assert from "node:assert/strict";
import { test } from "node:test";
import { namedPipes } from "#dist/transport/named-pipe.js";
import { providerOf } from "#dist/transport/providers.js";
import { unixSockets } from "#dist/transport/unix-socket.js";

test("an address leads to the transports of its kind", () => {
  assert.equal(providerOf({ kind: "unix-socket" }), unixSockets);
  assert.equal(providerOf({ kind: "named-pipe" }), namedPipes);
});
