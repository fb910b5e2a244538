import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import {
  type Client,
  type ClientOptions,
  type Connection,
  type Message,
  SealpipeError,
  type Server,
  startClient,
  startServer,
} from "sealpipe";
import { buildGoEnd, GoEnd } from "../support/go-end.ts";
import { lacksGo, pattern, sha256 } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";

interface Wire {
  readonly options: Pick<ClientOptions, "profile" | "encryption" | "secret">;
  readonly flags: readonly string[];
  readonly profile: "native" | "classic";
}

const wires: Record<string, Wire> = {
  "native, encrypted": { options: {}, flags: [], profile: "native" },
  "native, plain": {
    options: { profile: "native", encryption: false },
    flags: ["--encryption=false"],
    profile: "native",
  },
  "native, with a secret": {
    options: { secret: "open sesame" },
    flags: ["--secret", "open sesame"],
    profile: "native",
  },
  "classic, encrypted": { options: {}, flags: ["--profile", "classic"], profile: "classic" },
  "classic, plain": {
    options: { encryption: false, profile: "classic" },
    flags: ["--encryption=false"],
    profile: "classic",
  },
};
const maxMessageBytes = 104_857_600;
const limits = { maxMessageBytes, maxQueuedBytes: 2 * maxMessageBytes };
const goLimits = ["--max-message-bytes", String(maxMessageBytes)];
const sizes = [0, 1, 64, 4_096, 16_376, 16_377, 65_536, 130_040, 130_041, 3_145_728];
const inOrder = 1_000;
const echo = 11;
const fails = 12;
const endless = 13;

/** Our end of a conversation with a Go process, whichever role it has. */
interface Conversation {
  readonly go: GoEnd;
  readonly ours: Client | Connection;
  end(): Promise<void>;
}

async function withOurServer({ options, flags }: Wire): Promise<Conversation> {
  const name = freshName();
  const server = await startServer(name, { ...limits, ...options });
  const connected = once(server, "connection");
  const go = new GoEnd("client", name, ...goLimits, ...flags);
  const [ours] = (await connected) as [Connection];
  return { go, ours, end: () => endAll(go, server) };
}

async function withOurClient({ options, flags }: Wire): Promise<Conversation> {
  const name = freshName();
  const go = new GoEnd("server", name, ...goLimits, ...flags);
  await go.untilStatus("listening");
  const ours = await startClient(name, { ...limits, ...options });
  return { go, ours, end: () => endAll(go, ours) };
}

async function endAll(go: GoEnd, ours: Server | Client): Promise<void> {
  await ours.close();
  await go.stop();
}

async function requests({ go, ours }: Conversation): Promise<void> {
  ours.handle(echo, ({ data }) => data);
  ours.handle(fails, () => {
    throw Object.assign(new Error("not here"), { code: "NOT_FOUND" });
  });
  for (const bytes of [0, 100, 200_000]) {
    const data = pattern(bytes, 1);
    assert.equal(sha256((await ours.request(echo, data)).data), sha256(data));
    const answer = await go.ask({ do: "request", type: echo, bytes, seed: 1 });
    assert.deepEqual([answer["event"], answer["sha256"]], ["answer", sha256(data)]);
  }
  await assert.rejects(ours.request(fails, ""), { code: "NOT_FOUND", message: "not here" });
  await assert.rejects(ours.request(77, ""), { code: "ERR_NO_HANDLER" });
  const failure = await go.ask({ do: "request", type: fails });
  assert.deepEqual([failure["code"], failure["message"]], ["NOT_FOUND", "not here"]);
  assert.equal((await go.ask({ do: "request", type: 77 }))["code"], "ERR_NO_HANDLER");
  await assert.rejects(ours.request(endless, "", { timeoutMs: 20 }), { code: "ERR_REQUEST_TIMEOUT" });
  await go.untilEvent("cancelled");
}

async function noRequests({ go, ours }: Conversation): Promise<void> {
  await assert.rejects(ours.request(echo, ""), { code: "ERR_PEER_NOT_NATIVE" });
  assert.equal((await go.ask({ do: "request", type: echo }))["code"], "ERR_PEER_NOT_NATIVE");
}

const roles = { "Go's client and our server": withOurServer, "Go's server and our client": withOurClient };

describe("the Go library", { skip: lacksGo() }, () => {
  before(() => {
    buildGoEnd();
  });

  for (const [pair, converse] of Object.entries(roles)) {
    for (const [what, wire] of Object.entries(wires)) {
      describe(`${pair}, ${what}`, () => {
        let conversation: Conversation;
        after(() => conversation?.end());

        test("speak the same wire", async () => {
          conversation = await converse(wire);
          const { go, ours } = conversation;
          const { profile, encrypted, pid } = await go.untilEvent("connected");
          assert.deepEqual([profile, encrypted], [wire.profile, wire.options.encryption ?? true]);
          assert.deepEqual([ours.profile, ours.encrypted], [profile, encrypted]);
          if (wire.profile === "classic") return;
          assert.equal(pid, process.pid);
          assert.equal(ours.peer?.pid, go.child.pid);
          assert.equal(ours.peer?.application, "interop");
        });

        // The largest for one wire of each profile: it takes seconds.
        const tried =
          wire.flags.length === 0 || wire.flags[0] === "--profile" ? [...sizes, maxMessageBytes] : sizes;

        test("messages of every size arrive both ways", async (t) => {
          const { go, ours } = conversation;
          for (const bytes of tried) {
            const data = pattern(bytes, bytes % 251);
            await ours.write(5, data);
            const heard = await go.untilEvent("message");
            assert.deepEqual([heard["type"], heard["bytes"], heard["sha256"]], [5, bytes, sha256(data)]);
            const read = ours.read() as Promise<Message>;
            assert.equal((await go.ask({ do: "write", type: 6, bytes, seed: 3 }))["event"], "done");
            const { type, data: got } = await read;
            assert.deepEqual([type, sha256(got)], [6, sha256(pattern(bytes, 3))]);
          }
          t.diagnostic(`sizes both ways: ${tried.join(", ")} bytes`);
        });

        test(`${inOrder} messages arrive in order`, async () => {
          const { go, ours } = conversation;
          go.command({ do: "sequence", type: 7, count: inOrder });
          for (let number = 0; number < inOrder; number++) {
            const { data } = await ours.read();
            assert.equal(new DataView(data.buffer, data.byteOffset).getUint32(0), number);
          }
        });

        if (wire.profile === "native") {
          test("requests are answered, fail and are cancelled both ways", () => requests(conversation));
        } else {
          test("a classic connection has no requests", () => noRequests(conversation));
        }
      });
    }
  }

  for (const [ours, theirs] of [
    ["a", "b"],
    ["a", undefined],
    [undefined, "b"],
  ] as const) {
    const secret = ours === undefined ? {} : { secret: ours };
    const flags = theirs === undefined ? [] : ["--secret", theirs];

    test(`our server with ${ours ?? "no secret"} and Go's client with ${theirs ?? "none"} refuse each other`, async () => {
      const name = freshName();
      const server = await startServer(name, secret);
      const failed = once(server, "error") as Promise<[SealpipeError]>;
      const go = new GoEnd("client", name, ...flags);
      assert.equal((await go.untilEvent("failed"))["code"], "ERR_AUTHENTICATION_FAILED");
      assert.equal((await failed)[0].code, "ERR_AUTHENTICATION_FAILED");
      await server.close();
      await go.kill();
    });

    test(`Go's server with ${theirs ?? "no secret"} and our client with ${ours ?? "none"} refuse each other`, async () => {
      const name = freshName();
      const go = new GoEnd("server", name, ...flags);
      await go.untilStatus("listening");
      await assert.rejects(startClient(name, secret), { code: "ERR_AUTHENTICATION_FAILED" });
      assert.equal((await go.untilEvent("error"))["code"], "ERR_AUTHENTICATION_FAILED");
      await go.stop();
    });
  }

  test("100 clients of ours come to Go's server one after the other, and all are heard", async () => {
    const name = freshName();
    const go = new GoEnd("server", name);
    await go.untilStatus("listening");
    for (let round = 0; round < 100; round++) {
      const client = await startClient(name);
      await client.write(5, String(round));
      await client.flush();
      await client.close();
      await go.untilEvent("message");
    }
    await go.stop();
  });

  test("a Go server that is killed has forgotten the session, and its client goes on with the next", async () => {
    const name = freshName();
    const first = new GoEnd("server", name);
    await first.untilStatus("listening");
    const client = await startClient(name, { retryDelayMs: 10 });
    client.on("error", () => {});
    const asked = client.request(endless, "");
    const refused = assert.rejects(asked, { code: "ERR_SESSION_LOST" });
    await client.flush();
    await first.kill();
    const second = new GoEnd("server", name);
    await second.untilEvent("connected");
    await refused;
    await client.write(5, "again");
    await second.untilEvent("message");
    await client.close();
    await second.stop();
  });

  for (const [first, second] of [
    ["ours", "Go's"],
    ["Go's", "ours"],
  ] as const) {
    test(`a second server, ${second}, does not take the address of the first, ${first}`, async () => {
      const name = freshName();
      const go = new GoEnd("server", first === "ours" ? `${name}-other` : name);
      await go.untilStatus("listening");
      if (first === "ours") {
        const server = await startServer(name);
        const late = new GoEnd("server", name);
        assert.equal((await late.untilEvent("failed"))["code"], "ERR_ADDRESS_IN_USE");
        await late.kill();
        await (await startClient(name)).close();
        await server.close();
      } else {
        await assert.rejects(startServer(name), { code: "ERR_ADDRESS_IN_USE" });
        await (await startClient(name)).close();
      }
      await go.stop();
    });
  }

  test("of servers of both languages that start at a dead socket one wins", async (t) => {
    const rounds = 20;
    let won = 0;
    for (let round = 0; round < rounds; round++) {
      const name = freshName();
      const killed = new GoEnd("server", name);
      await killed.untilStatus("listening");
      await killed.kill();
      const start = () => [0, 1].map(() => startServer(name).catch((error: SealpipeError) => error));
      // A process takes a moment to start, so ours go first in every second round.
      const early = round % 2 === 0 ? start() : [];
      const theirs = [new GoEnd("server", name), new GoEnd("server", name)];
      const starts = [...early, ...(early.length === 0 ? start() : [])];
      const outcomes = await Promise.all(
        theirs.map((go) => go.until(({ event, status }) => event === "failed" || status === "listening")),
      );
      const ours = await Promise.all(starts);
      const servers = ours.filter((server): server is Server => !(server instanceof SealpipeError));
      const winners = outcomes.filter(({ status }) => status === "listening").length + servers.length;
      assert.equal(winners, 1, JSON.stringify([outcomes, ours.map(String)]));
      won += servers.length;
      await Promise.all(servers.map((server) => server.close()));
      for (const [index, go] of theirs.entries()) {
        if (outcomes[index]?.["event"] === "failed") await go.kill();
        else await go.stop();
      }
    }
    t.diagnostic(`${rounds} rounds, of which ours won ${won}`);
  });
});
