import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { after, describe, test } from "node:test";
import { type Client, type Connection, type Server, startClient, startServer } from "sealpipe";
import { GoPeer, goVersions, lacksGo, pattern, sha256 } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";

const sizes = [0, 1, 1_024, 32_000, 3_145_728];
const inOrder = 1_000;

async function bothWays(one: GoPeer, other: GoPeer, bytes: number): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const heard = to.untilMessage();
    await from.write(5, bytes, 7);
    const message = await heard;
    assert.deepEqual([message["type"], message["bytes"]], [5, bytes]);
    assert.equal(message["sha256"], sha256(pattern(bytes, 7)));
  }
}

describe("the program that talks through golang-ipc, with its import path changed", {
  skip: lacksGo(),
}, () => {
  for (const [what, encryption] of [
    ["encrypted", true],
    ["plain", false],
  ] as const) {
    describe(`is our client, ${what}`, () => {
      let server: Server;
      let go: GoPeer;
      after(async () => {
        await server.close();
        await go.stop();
      });

      test("on the native wire", async () => {
        const name = freshName();
        server = await startServer(name, { encryption });
        const connected = once(server, "connection") as Promise<[Connection]>;
        go = new GoPeer({ version: "drop-in", role: "client", name, encryption });
        const [ours] = await connected;
        await go.untilStatus("connected");
        assert.deepEqual([ours.profile, ours.encrypted], ["native", encryption]);
        await exchange(go, ours);
      });
    });

    describe(`is our server, ${what}`, () => {
      let go: GoPeer;
      let client: Client;
      after(async () => {
        await client.close();
        // Unlike golang-ipc, it takes its socket away.
        go.command({ do: "close" });
        await go.untilStatus("closed");
        await go.stop();
      });

      test("on the native wire, and more than 440 messages a second come from it", async () => {
        const name = freshName();
        go = new GoPeer({ version: "drop-in", role: "server", name, encryption });
        await go.untilStatus("listening");
        client = await startClient(name, { encryption });
        await go.untilStatus("connected");
        assert.equal(client.profile, "native");
        await exchange(go, client);
        go.command({ do: "sequence", type: 9, count: inOrder, bytes: 64 });
        for (let index = 0; index < inOrder; index++) {
          const { data } = await client.read();
          assert.equal(new DataView(data.buffer, data.byteOffset).getBigUint64(0), BigInt(index));
        }
      });
    });
  }

  for (const version of goVersions) {
    // v1.0.0 reads a body with a single read.
    const readable = sizes.filter((bytes) => version !== "v1.0.0" || bytes <= 32_000);
    test(`speaks with golang-ipc ${version}, as its server and as its client`, async () => {
      for (const [serverVersion, clientVersion] of [
        [version, "drop-in"],
        ["drop-in", version],
      ] as const) {
        const name = freshName();
        const server = new GoPeer({ version: serverVersion, role: "server", name, encryption: true });
        await server.untilStatus("listening");
        const client = new GoPeer({ version: clientVersion, role: "client", name, encryption: true });
        await Promise.all([server.untilStatus("connected"), client.untilStatus("connected")]);
        // A golang-ipc server takes itself for connected a moment after its client.
        await client.write(3, 1, 1);
        await server.untilMessage();
        for (const bytes of readable) await bothWays(server, client, bytes);
        await client.stop();
        await server.stop();
        rmSync(`/tmp/${name}.sock`, { force: true });
      }
    });
  }
});

async function exchange(go: GoPeer, ours: Client | Connection): Promise<void> {
  for (const bytes of sizes) {
    const data = pattern(bytes, 3);
    await ours.write(4294967295, data);
    const heard = await go.untilMessage();
    assert.deepEqual([heard["type"], heard["sha256"]], [4294967295, sha256(data)]);
    const read = ours.read();
    await go.write(5, bytes, 9);
    assert.equal(sha256((await read).data), sha256(pattern(bytes, 9)));
  }
}
