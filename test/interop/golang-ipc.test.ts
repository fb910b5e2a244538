import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { after, describe, type TestContext, test } from "node:test";
import { type Client, type Connection, type Message, type Server, startClient, startServer } from "sealpipe";
import {
  GoPeer,
  type GoVersion,
  goVersions,
  lacksGo,
  noGoServer,
  pattern,
  sha256,
  towardsGo,
} from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";

const skip = lacksGo();

/** v1.0.0 reads a body with a single read and so breaks over one that the kernel delivers in pieces. */
const largestWholeBody = { "v1.2.4": 3_145_728, "v1.0.0": 32_000 } as const;
const sizes = [0, 1, 1_024, 32_000, 65_536, 3_145_728];
const messageTypes = [1, 2 ** 31, 2 ** 32 - 1];
const inOrder = 1_000;

/** Our end of a conversation with a Go program, whichever role it has. */
interface Conversation {
  readonly go: GoPeer;
  readonly ours: Client | Connection;
  end(): Promise<void>;
}

async function withOurServer(version: GoVersion, encryption: boolean): Promise<Conversation> {
  const name = freshName();
  const server = await startServer(name, { encryption });
  const connected = once(server, "connection");
  const go = new GoPeer({ version, role: "client", name, encryption });
  const [ours] = (await connected) as [Connection];
  await go.untilStatus("connected");
  return { go, ours, end: () => endAll(go, server) };
}

async function withOurClient(version: GoVersion, encryption: boolean): Promise<Conversation> {
  const name = freshName();
  const go = new GoPeer({ version, role: "server", name, encryption });
  await go.untilStatus("listening");
  const ours = await startClient(name, { encryption, ...towardsGo });
  await go.untilStatus("connected");
  return { go, ours, end: () => endAll(go, ours) };
}

async function endAll(go: GoPeer, ours: Server | Client): Promise<void> {
  await ours.close();
  await go.stop();
  // golang-ipc leaves its socket behind when its process is killed.
  rmSync(ours.address, { force: true });
}

async function goReceives({ go, ours }: Conversation, type: number, bytes: number): Promise<void> {
  const data = pattern(bytes, bytes % 251);
  await ours.write(type, data);
  const message = await go.untilMessage();
  assert.deepEqual([message["type"], message["bytes"], message["sha256"]], [type, bytes, sha256(data)]);
}

async function weReceive({ go, ours }: Conversation, type: number, bytes: number): Promise<void> {
  const seed = bytes % 241;
  const [message] = await Promise.all([ours.read() as Promise<Message>, go.write(type, bytes, seed)]);
  assert.equal(message.type, type);
  assert.equal(message.data.length, bytes);
  assert.equal(sha256(message.data), sha256(pattern(bytes, seed)));
}

function sequenced(index: number): Uint8Array {
  const data = new Uint8Array(64);
  new DataView(data.buffer).setBigUint64(0, BigInt(index));
  return data;
}

async function goReceivesInOrder({ go, ours }: Conversation): Promise<void> {
  go.command({ do: "quiet", on: true });
  for (let index = 0; index < inOrder; index++) await ours.write(9, sequenced(index));
  await ours.flush();
  let count = await go.ask({ do: "count" });
  while ((count["messages"] as number) < inOrder) count = await go.ask({ do: "count" });
  assert.deepEqual([count["messages"], count["inOrder"]], [inOrder, true]);
  go.command({ do: "quiet", on: false });
}

async function weReceiveInOrder({ go, ours }: Conversation): Promise<void> {
  go.command({ do: "sequence", type: 9, count: inOrder, bytes: 64 });
  for (let index = 0; index < inOrder; index++) {
    const { data } = await ours.read({ timeoutMs: 20_000 });
    assert.equal(new DataView(data.buffer, data.byteOffset).getBigUint64(0), BigInt(index));
  }
}

const roles = { "Go's client and our server": withOurServer, "Go's server and our client": withOurClient };

for (const version of goVersions) {
  for (const [pair, converse] of Object.entries(roles)) {
    for (const encryption of [true, false]) {
      const unable = converse === withOurClient && noGoServer(version);
      describe(`golang-ipc ${version}, ${pair}, ${encryption ? "encrypted" : "plain"}`, {
        skip: skip || unable,
      }, () => {
        let conversation: Conversation;
        test("shake hands", async () => {
          conversation = await converse(version, encryption);
          assert.equal(conversation.ours.encrypted, encryption);
          assert.equal(conversation.ours.profile, "classic");
        });
        after(() => conversation?.end());

        // Before the others: Go counts an order from the first message that it gets.
        test(`${inOrder} messages reach Go in order`, () => goReceivesInOrder(conversation));
        test(`${inOrder} messages reach us in order`, () => weReceiveInOrder(conversation));

        test("messages of every size reach us whole", async (t: TestContext) => {
          for (const bytes of sizes) await weReceive(conversation, 5, bytes);
          t.diagnostic(`sizes received: ${sizes.join(", ")} bytes`);
        });

        test("messages of every size that Go can read reach it whole", async (t: TestContext) => {
          const readable = sizes.filter((bytes) => bytes <= largestWholeBody[version]);
          for (const bytes of readable) await goReceives(conversation, 5, bytes);
          t.diagnostic(`sizes sent: ${readable.join(", ")} bytes`);
        });

        test("types reach both sides up to the highest", async (t: TestContext) => {
          for (const type of messageTypes) {
            await goReceives(conversation, type, 16);
            await weReceive(conversation, type, 16);
          }
          t.diagnostic(`types both ways: ${messageTypes.join(", ")}`);
        });
      });
    }
  }
}
