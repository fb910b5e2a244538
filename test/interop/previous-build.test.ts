import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as own from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { freshName } from "../support/names.ts";
import { type Library, previousBuild, previousCommit } from "../support/previous-build.ts";
import { addressOf } from "../support/raw-peer.ts";
import { Relay } from "../support/relay.ts";
import { until } from "../support/waiting.ts";

const commit = previousCommit();
// A checkout without a history, such as a build server's, has nothing to compare with. That is no toolchain that is missing.
const skip = commit === undefined && "this is no git checkout with a history";
const timeout = 60_000;
const sizes = [0, 5, 20_000, 400_000];

/** A server of the one build and a client of the other, that has come through a relay. */
async function meet(
  t: Parameters<typeof Relay.start>[0],
  libraries: { server: Library; client: Library },
  encryption: boolean,
) {
  const server = await libraries.server.startServer(freshName(), { encryption });
  t.after(() => server.close());
  const relay = await Relay.start(t, addressOf(server.name));
  const accepted = new Promise<own.Connection>((resolve) => server.on("connection", resolve));
  const client = await libraries.client.startClient(relay.name, { encryption, retryDelayMs: 1 });
  t.after(() => client.close());
  return { client, connection: await accepted, relay };
}

async function talk(
  ends: readonly { write: own.Client["write"]; read: own.Client["read"] }[],
): Promise<void> {
  for (const [index, size] of sizes.entries()) {
    for (const [from, to] of [ends, ends.toReversed()] as const) {
      void from?.write(index + 1, pattern(size, index));
      const message = await to?.read();
      assert.equal(message?.type, index + 1);
      assert.ok(Buffer.from(pattern(size, index)).equals(message.data));
    }
  }
}

describe(`the build of the commit before (${commit?.slice(0, 7)})`, { skip, timeout }, () => {
  for (const previousIs of ["server", "client"] as const) {
    for (const encryption of [true, false]) {
      test(`is understood as the ${previousIs}, ${encryption ? "encrypted" : "plain"}, whichever wire the two agree on`, async (t) => {
        const previous = await previousBuild(commit as string);
        const libraries = { server: own as Library, client: own as Library, [previousIs]: previous };
        const { client, connection, relay } = await meet(t, libraries, encryption);
        assert.equal(client.profile, connection.profile);
        t.diagnostic(`they speak ${client.profile}`);
        await talk([client, connection]);
        if (client.profile !== "native") return;
        for (const [from, to] of [
          [client, connection],
          [connection, client],
        ] as const) {
          to.handle(7, (request) => request.data);
          for (const size of sizes) {
            const { data } = await from.request(7, pattern(size));
            assert.ok(Buffer.from(pattern(size)).equals(data));
          }
        }
        void client.write(1, pattern(100_000, 1));
        void connection.write(1, pattern(100_000, 2));
        relay.cut();
        await until(() => client.status === "connected" && connection.status === "connected");
        assert.deepEqual(Buffer.from((await connection.read()).data), Buffer.from(pattern(100_000, 1)));
        assert.deepEqual(Buffer.from((await client.read()).data), Buffer.from(pattern(100_000, 2)));
        await talk([connection, client]);
      });
    }
  }
});
