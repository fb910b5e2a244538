import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { PeerError } from "sealpipe";
import { connect, contract, event, method, serve } from "sealpipe/contract";
import { z } from "zod";
import { GoPeer, goVersions, lacksGo, noGoServer, towardsGo } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";
import { nextEvent, record, until } from "../support/waiting.ts";

const daemon = contract("my-daemon", {
  open: method(1, { input: z.string(), output: z.string() }),
  progress: event(2, z.object({ done: z.number(), note: z.string() })),
  picked: event(3, z.object({ path: z.string(), lines: z.array(z.number()) }), { direction: "from-caller" }),
});
const data = { done: 5, note: "é 😀" };

/** A person who writes Go writes JSON with other spaces. */
const spaced = (value: object) => JSON.stringify(value, undefined, 1);

for (const version of goVersions) {
  describe(`a contract towards a golang-ipc ${version} program that reads and writes JSON`, {
    skip: lacksGo(),
  }, () => {
    for (const encryption of [true, false]) {
      const how = encryption ? "encrypted" : "plain";

      test(`has its events both ways, with our server, ${how}`, async () => {
        const name = freshName();
        await using server = await serve(name, daemon, { open: (path) => path }, { encryption });
        const picked: unknown[] = [];
        server.on.picked((value, { connection }) => picked.push([value, connection.endpoint.profile]));
        const errors = record<Error>(server.endpoint, "error");
        const go = new GoPeer({ version, role: "client", name, encryption });
        await go.untilStatus("connected");
        await until(() => server.endpoint.connections.length === 1);
        await server.emit.progress(data);
        assert.deepEqual((await go.untilMessage())["object"], data);
        await go.ask({ do: "write", type: 3, text: '{"path":5}' });
        await go.ask({ do: "write", type: 3, text: spaced({ path: "a", lines: [1, 2] }) });
        await go.ask({ do: "write", type: 77, text: "of no contract" });
        await until(() => picked.length === 1);
        assert.deepEqual(picked, [[{ path: "a", lines: [1, 2] }, "classic"]]);
        assert.match(String(errors[0]), /an event "picked" was dropped: path: /);
        await go.stop();
      });

      test(`has its events both ways, with our client, ${how}`, { skip: noGoServer(version) }, async () => {
        const name = freshName();
        const go = new GoPeer({ version, role: "server", name, encryption });
        await go.untilStatus("listening");
        const app = await connect(name, daemon, { encryption, ...towardsGo });
        const progress = new Promise<unknown>((resolve) => app.on.progress(resolve));
        await go.untilStatus("connected");
        await app.emit.picked({ path: "b", lines: [] });
        assert.deepEqual((await go.untilMessage())["object"], { path: "b", lines: [] });
        await go.ask({ do: "write", type: 2, text: spaced(data) });
        assert.deepEqual(await progress, data);
        assert.deepEqual([app.has("open"), app.has("progress")], [false, true]);
        await assert.rejects(
          app.open("a"),
          (error) => error instanceof PeerError && error.code === "ERR_PEER_NOT_NATIVE",
        );
        const closed = nextEvent(app.endpoint, "close");
        await app.close();
        await closed;
        await go.stop();
        rmSync(app.endpoint.address, { force: true });
      });
    }
  });
}
