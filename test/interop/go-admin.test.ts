import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { before, describe, test } from "node:test";
import { startClient, startServer } from "sealpipe";
import { exitOf } from "../support/children.ts";
import { buildGoEnd, GoEnd } from "../support/go-end.ts";
import { lacksGo } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";

describe("requests to the other language's library", { skip: lacksGo(), timeout: 120_000 }, () => {
  before(() => {
    buildGoEnd();
  });

  for (const encryption of [true, false]) {
    const how = encryption ? "encrypted" : "plain";

    test(`Go's server is described, and shuts down after it has answered, ${how}`, async (t) => {
      const name = freshName();
      const go = new GoEnd("server", name, `--encryption=${encryption}`);
      await go.untilStatus("listening");
      await using client = await startClient(name, { encryption, retry: false, application: "the GUI" });
      // It ends in its handler, as abruptly as a process can.
      t.after(() => rmSync(client.address, { force: true }));
      await assert.rejects(client.describe(), { code: "ERR_NOT_ALLOWED" });
      await assert.rejects(client.shutdownServer(), { code: "ERR_NOT_ALLOWED" });
      await go.ask({ do: "allow" });
      const { uptimeMs, ...description } = await client.describe();
      assert.ok(Number.isInteger(uptimeMs) && uptimeMs >= 0);
      assert.deepEqual(description, {
        ...client.peer,
        codec: "",
        contracts: [],
        requests: [2, 11, 12, 13, 14],
        streams: [3, 21, 22, 23, 24, 25],
        connections: 1,
      });
      const ended = exitOf(go);
      const asked = go.untilEvent("asked");
      await client.shutdownServer("an update: é");
      const { reason, application } = await asked;
      assert.deepEqual([reason, application], ["an update: é", "the GUI"]);
      assert.equal(await ended, 7);
    });

    test(`Go's client describes our server, and asks it to shut down, ${how}`, async () => {
      const name = freshName();
      const hash = new Uint8Array(32).fill(7);
      const about = { application: "ours", applicationVersion: "3", codec: "json" };
      await using server = await startServer(name, {
        ...about,
        encryption,
        contracts: [{ name: "notes", version: "1", hash }],
      });
      server.handle(4_294_967_295, () => "");
      server.handleStream(5, () => {});
      const connected = once(server, "connection");
      const go = new GoEnd("client", name, `--encryption=${encryption}`);
      await connected;
      await go.untilEvent("connected");
      assert.equal((await go.ask({ do: "describe" }))["code"], "ERR_NOT_ALLOWED");
      assert.equal((await go.ask({ do: "shutdown", reason: "" }))["code"], "ERR_NOT_ALLOWED");
      server.allowDescribe();
      const reasons: string[] = [];
      server.allowShutdown(({ reason }) => {
        reasons.push(reason);
      });
      const { id, library, uptimeMs, ...description } = await go.ask({ do: "describe" });
      assert.match(String(library), /^sealpipe\//);
      assert.deepEqual(description, {
        ...about,
        event: "description",
        pid: process.pid,
        contracts: [`notes 1 ${Buffer.from(hash).toString("hex")}`],
        requests: [4_294_967_295],
        streams: [5],
        connections: 1,
      });
      assert.equal((await go.ask({ do: "shutdown", reason: "an update: é" }))["event"], "done");
      assert.deepEqual(reasons, ["an update: é"]);
      await go.stop();
    });
  }
});
