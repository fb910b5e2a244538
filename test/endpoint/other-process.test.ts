import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import type { Client } from "sealpipe";
import { pattern } from "../support/bytes.ts";
import { exitOf, isEvent, startChild, startServerProcess } from "../support/children.ts";
import { clientAt } from "../support/endpoints.ts";
import { freshName } from "../support/names.ts";
import { addressOf } from "../support/raw-peer.ts";
import { nextEvent, until } from "../support/waiting.ts";

const timeout = 60_000;

async function echoes(client: Client, bytes: number): Promise<void> {
  const sent = pattern(bytes, bytes % 251);
  await client.write(7, sent);
  const { data } = await client.read({ timeoutMs: 20_000 });
  assert.ok(Buffer.from(data).equals(sent), `${bytes} bytes come back as they were`);
}

describe("a server in another process", { timeout }, () => {
  for (const encryption of [true, false]) {
    const wire = encryption ? "encrypted" : "plain";

    test(`and its client exchange messages up to megabytes, ${wire}, across a kill and a restart`, async (t) => {
      const name = freshName();
      const first = await startServerProcess(name, { encryption });
      const client = await clientAt(t, name, { encryption });
      for (const bytes of [0, 1, 65_536, 3_000_000]) await echoes(client, bytes);

      const lost = nextEvent(client, "status");
      await first.kill();
      await lost;
      assert.equal(client.status, "reconnecting");
      await client.write(7, "meanwhile");
      const second = await startServerProcess(name, { encryption });
      assert.equal((await client.read({ timeoutMs: 20_000 })).text, "meanwhile");
      await echoes(client, 1_000_000);
      await client.close();
      await second.kill();
      rmSync(addressOf(name), { force: true });
    });

    test(`that writes, closes and exits loses nothing, however late it is read, ${wire}`, async (t) => {
      const name = freshName();
      const child = startChild("writes-and-leaves", name, JSON.stringify({ encryption }));
      await child.until(isEvent("listening"));
      const client = await clientAt(t, name, { encryption, maxQueuedBytes: 10_000 });
      // Nobody reads, so it cannot get rid of it all.
      await child.until(isEvent("closing"));
      const sizes: number[] = [];
      while (sizes.length < 5) sizes.push((await client.read({ timeoutMs: 20_000 })).data.length);
      const last = client.read({ timeoutMs: 20_000 });
      assert.equal(await exitOf(child), 0, child.stderr);
      sizes.push((await last).data.length);
      assert.deepEqual(sizes, [1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 30_000]);
      await until(() => client.status === "reconnecting");
    });
  }
});
