import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { type Connection, startClient, startServer } from "sealpipe";
import { outcomeOf } from "../support/asking.ts";
import { GoPeer, goVersions, lacksGo, noGoServer, towardsGo } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";

const skip = lacksGo();

for (const version of goVersions) {
  describe(`a request to golang-ipc ${version}`, { skip }, () => {
    test("is rejected at once by our server, and messages still come through", async () => {
      const name = freshName();
      const server = await startServer(name);
      const connected = once(server, "connection");
      const go = new GoPeer({ version, role: "client", name, encryption: true });
      const [connection] = (await connected) as [Connection];
      await go.untilStatus("connected");
      assert.equal(await outcomeOf(connection.request(1, "")), "ERR_PEER_NOT_NATIVE");
      await connection.write(5, "a message");
      assert.deepEqual((await go.untilMessage())["bytes"], 9);
      await server.close();
      await go.stop();
    });

    test("is rejected at once by our client, and messages still come through", {
      skip: noGoServer(version),
    }, async () => {
      const name = freshName();
      const go = new GoPeer({ version, role: "server", name, encryption: true });
      await go.untilStatus("listening");
      const client = await startClient(name, towardsGo);
      await go.untilStatus("connected");
      assert.equal(await outcomeOf(client.request(1, "")), "ERR_PEER_NOT_NATIVE");
      await client.write(5, "a message");
      assert.deepEqual((await go.untilMessage())["bytes"], 9);
      await client.close();
      await go.stop();
      rmSync(client.address, { force: true });
    });
  });
}
