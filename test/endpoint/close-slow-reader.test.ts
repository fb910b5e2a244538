import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { Client, Connection } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { clientOfRaw, freshServer, rawClientOf } from "../support/endpoints.ts";
import { plainWire } from "../support/hand-made-peer.ts";
import type { RawPeer } from "../support/raw-peer.ts";
import { turns } from "../support/waiting.ts";

const timeout = 60_000;
const options = { encryption: false, maxQueuedBytes: 20_000_000, closeTimeoutMs: 40_000 } as const;
/** A pipe takes a write as a whole, so what stays in one without a reader is the last, which is small enough. */
const sizes = [1_000_000, 1_000_000, 1_000_000, 1_000_000, 30_000];

interface Ends {
  readonly ours: Client | Connection;
  readonly peer: RawPeer;
}

async function ourServer(t: TestContext): Promise<Ends> {
  const { peer, connection } = await rawClientOf(t, await freshServer(t, options));
  return { peer, ours: connection };
}

async function ourClient(t: TestContext): Promise<Ends> {
  const { peer, client } = await clientOfRaw(t, options);
  return { peer, ours: client };
}

/** Leaves it all to be sent, and gives what the peer should get. */
function writeAll(ours: Client | Connection): Buffer {
  const frames = sizes.map((bytes) => {
    void ours.write(bytes, pattern(bytes));
    return plainWire.message(bytes, pattern(bytes));
  });
  return Buffer.concat(frames);
}

for (const [who, arrange] of [
  ["a server's connection", ourServer],
  ["a client", ourClient],
] as const) {
  describe(`closing ${who} with megabytes to a peer that reads late`, { timeout }, () => {
    test("loses none of them", async (t) => {
      const { ours, peer } = await arrange(t);
      const expected = writeAll(ours);
      const closed = ours.close();
      await turns();
      assert.ok(ours.queuedBytes > 0);
      assert.ok(Buffer.from(await peer.receive(expected.length)).equals(expected));
      await closed;
    });

    test("loses none of what the system still holds once it is closed", async (t) => {
      const { ours, peer } = await arrange(t);
      const expected = writeAll(ours);
      const closed = ours.close();
      const parts = [await peer.receive(expected.length - 300_000)];
      while (ours.queuedBytes > 0) {
        parts.push(await peer.receive(1_000));
        await turns(5);
      }
      await closed;
      const rest = await peer.receiveToEnd();
      assert.ok(rest.length > 20_000, `${rest.length} bytes were left`);
      assert.ok(Buffer.concat([...parts, rest]).equals(expected));
    });
  });
}
