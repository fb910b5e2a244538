import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startServer } from "sealpipe";
import { serveOverNats } from "sealpipe/nats";
import { startChild } from "../support/children.ts";
import { hold, letGo } from "../support/held-process.ts";
import { freshName } from "../support/names.ts";
import { lacksNats, NatsServer, natsTo } from "../support/nats-server.ts";
import { until } from "../support/waiting.ts";

const sessions = 24;
const messageBytes = 65_536;
const messages = 18;

describe("a process that NATS drops as a slow consumer", { skip: lacksNats(), timeout: 120_000 }, () => {
  let directory: string;
  let natsServer: NatsServer;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "sealpipe-nats-"));
    const config = join(directory, "nats.conf");
    // Each session has no more than its window on the way, so that the sessions of a process overrun a small limit only together.
    writeFileSync(config, "max_pending: 4194304\nmax_payload: 131072\n");
    natsServer = await NatsServer.start("--config", config);
  });
  after(async () => {
    await natsServer.kill();
    rmSync(directory, { recursive: true });
  });

  test("loses its connections and resumes them, and nothing is lost, doubled or out of order", async (t) => {
    const name = freshName();
    const secret = "of this test alone";
    const server = await startServer(name, { listen: false, secret, maxQueuedBytes: 64 * 1_048_576 });
    t.after(() => {
      server.destroy();
      return server.close();
    });
    server.on("error", () => {});
    serveOverNats(server, await natsTo(natsServer));
    const args = [natsServer.url, name, secret, `${sessions}`, `${messages}`];
    const child = startChild("nats-clients", ...args);
    await child.until(({ event }) => event === "connected");
    await until(() => server.connections.length === sessions);

    await hold(child.child);
    const data = Buffer.alloc(messageBytes);
    for (let number = 0; number < messages; number++) {
      data.writeUInt32BE(number);
      for (const connection of server.connections) void connection.write(1, data);
    }
    await until(() => natsServer.hasSaid(/Slow Consumer Detected/i));
    letGo(child.child);

    const { wrong, broken, lostSessions } = await child.until(({ event }) => event === "complete");
    assert.deepEqual([wrong, lostSessions], [undefined, 0]);
    assert.ok((broken as number) >= sessions, `${broken} connections were lost`);
    assert.equal(server.connections.length, sessions);
    await child.kill();
  });
});
