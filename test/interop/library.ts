import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import {
  type Client,
  type ClientOptions,
  type Connection,
  type Message,
  type RemoteError,
  SealpipeError,
  type Server,
  startClient,
  startServer,
} from "sealpipe";
import { pattern, sha256, towardsGo } from "../support/go-peer.ts";
import { freshName } from "../support/names.ts";
import type { OtherEnd, OtherLibrary } from "../support/other-end.ts";
import { noticesLate, onWindows, sharesPipeNames } from "../support/platform.ts";

export function describeLibrary(other: OtherLibrary): void {
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
  const theirLimits = ["--max-message-bytes", String(maxMessageBytes)];
  const sizes = [0, 1, 64, 4_096, 16_376, 16_377, 65_536, 130_040, 130_041, 3_145_728];
  const inOrder = 1_000;
  const echo = 11;
  const fails = 12;
  const endless = 13;
  /** The most that a failure may have. */
  const failureData = pattern(65_536, 4);

  /** Our end of a conversation with a process of the other library, whichever role it has. */
  interface Conversation {
    readonly them: OtherEnd;
    readonly ours: Client | Connection;
    end(): Promise<void>;
  }

  async function withOurServer({ options, flags }: Wire): Promise<Conversation> {
    const name = freshName();
    const server = await startServer(name, { ...limits, ...options });
    const connected = once(server, "connection");
    const them = other.start("client", name, ...theirLimits, ...flags);
    const [ours] = (await connected) as [Connection];
    return { them, ours, end: () => endAll(them, server) };
  }

  async function withOurClient({ options, flags }: Wire): Promise<Conversation> {
    const name = freshName();
    const them = other.start("server", name, ...theirLimits, ...flags);
    await them.untilStatus("listening");
    const ours = await startClient(name, { ...limits, ...towardsGo, ...options });
    return { them, ours, end: () => endAll(them, ours) };
  }

  async function endAll(them: OtherEnd, ours: Server | Client): Promise<void> {
    await ours.close();
    await them.stop();
  }

  async function requests({ them, ours }: Conversation): Promise<void> {
    ours.handle(echo, ({ data }) => data);
    ours.handle(fails, () => {
      throw Object.assign(new Error("not here"), { code: "NOT_FOUND", data: failureData });
    });
    for (const bytes of [0, 100, 200_000]) {
      const data = pattern(bytes, 1);
      assert.equal(sha256((await ours.request(echo, data)).data), sha256(data));
      const answer = await them.ask({ do: "request", type: echo, bytes, seed: 1 });
      assert.deepEqual([answer["event"], answer["sha256"]], ["answer", sha256(data)]);
    }
    await assert.rejects(ours.request(fails, ""), ({ code, message, data }: RemoteError) => {
      assert.deepEqual(
        [code, message, sha256(data as Uint8Array)],
        ["NOT_FOUND", "not here", sha256(failureData)],
      );
      return true;
    });
    await assert.rejects(ours.request(77, ""), { code: "ERR_NO_HANDLER" });
    const failure = await them.ask({ do: "request", type: fails });
    assert.deepEqual(
      [failure["code"], failure["message"], failure["sha256"]],
      ["NOT_FOUND", "not here", sha256(failureData)],
    );
    assert.equal((await them.ask({ do: "request", type: 77 }))["code"], "ERR_NO_HANDLER");
    await assert.rejects(ours.request(endless, "", { timeoutMs: 20 }), { code: "ERR_REQUEST_TIMEOUT" });
    await them.untilEvent("cancelled");
  }

  async function noRequests({ them, ours }: Conversation): Promise<void> {
    await assert.rejects(ours.request(echo, ""), { code: "ERR_PEER_NOT_NATIVE" });
    assert.equal((await them.ask({ do: "request", type: echo }))["code"], "ERR_PEER_NOT_NATIVE");
  }

  const roles = {
    [`${other.name}'s client and our server`]: withOurServer,
    [`${other.name}'s server and our client`]: withOurClient,
  };

  describe(`the ${other.name} library`, { skip: other.skip }, () => {
    before(() => {
      other.prepare();
    });

    for (const [pair, converse] of Object.entries(roles)) {
      for (const [what, wire] of Object.entries(wires)) {
        describe(`${pair}, ${what}`, () => {
          let conversation: Conversation;
          after(() => conversation?.end());

          test("speak the same wire", async () => {
            conversation = await converse(wire);
            const { them, ours } = conversation;
            const { profile, encrypted, pid } = await them.untilEvent("connected");
            assert.deepEqual([profile, encrypted], [wire.profile, wire.options.encryption ?? true]);
            assert.deepEqual([ours.profile, ours.encrypted], [profile, encrypted]);
            if (wire.profile === "classic") return;
            assert.equal(pid, process.pid);
            assert.equal(ours.peer?.pid, them.child.pid);
            assert.equal(ours.peer?.application, "interop");
          });

          // The largest for one wire of each profile: it takes seconds.
          const tried =
            wire.flags.length === 0 || wire.flags[0] === "--profile" ? [...sizes, maxMessageBytes] : sizes;

          test("messages of every size arrive both ways", async (t) => {
            const { them, ours } = conversation;
            for (const bytes of tried) {
              const data = pattern(bytes, bytes % 251);
              await ours.write(5, data);
              const heard = await them.untilEvent("message");
              assert.deepEqual([heard["type"], heard["bytes"], heard["sha256"]], [5, bytes, sha256(data)]);
              const read = ours.read() as Promise<Message>;
              assert.equal((await them.ask({ do: "write", type: 6, bytes, seed: 3 }))["event"], "done");
              const { type, data: got } = await read;
              assert.deepEqual([type, sha256(got)], [6, sha256(pattern(bytes, 3))]);
            }
            t.diagnostic(`sizes both ways: ${tried.join(", ")} bytes`);
          });

          test(`${inOrder} messages arrive in order`, async () => {
            const { them, ours } = conversation;
            them.command({ do: "sequence", type: 7, count: inOrder });
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

      test(`our server with ${ours ?? "no secret"} and ${other.name}'s client with ${theirs ?? "none"} refuse each other`, async () => {
        const name = freshName();
        const server = await startServer(name, secret);
        const failed = once(server, "error") as Promise<[SealpipeError]>;
        const them = other.start("client", name, ...flags);
        assert.equal((await them.untilEvent("failed"))["code"], "ERR_AUTHENTICATION_FAILED");
        assert.equal((await failed)[0].code, "ERR_AUTHENTICATION_FAILED");
        await server.close();
        await them.kill();
      });

      test(`${other.name}'s server with ${theirs ?? "no secret"} and our client with ${ours ?? "none"} refuse each other`, async () => {
        const name = freshName();
        const them = other.start("server", name, ...flags);
        await them.untilStatus("listening");
        await assert.rejects(startClient(name, secret), { code: "ERR_AUTHENTICATION_FAILED" });
        assert.equal((await them.untilEvent("error"))["code"], "ERR_AUTHENTICATION_FAILED");
        await them.stop();
      });
    }

    test(`100 clients of ours come to ${other.name}'s server one after the other, and all are heard`, async () => {
      const name = freshName();
      const them = other.start("server", name);
      await them.untilStatus("listening");
      for (let round = 0; round < 100; round++) {
        const client = await startClient(name);
        await client.write(5, String(round));
        await client.flush();
        await client.close();
        await them.untilEvent("message");
      }
      await them.stop();
    });

    test(`a ${other.name} server that is killed has forgotten the session, and its client goes on with the next`, async () => {
      const name = freshName();
      const first = other.start("server", name);
      await first.untilStatus("listening");
      const client = await startClient(name, { retryDelayMs: 10 });
      client.on("error", () => {});
      const asked = client.request(endless, "");
      const refused = assert.rejects(asked, { code: "ERR_SESSION_LOST" });
      await client.flush();
      await first.kill();
      const second = other.start("server", name);
      await second.untilEvent("connected");
      await refused;
      await client.write(5, "again");
      await second.untilEvent("message");
      await client.close();
      await second.stop();
    });

    test(`a ${other.name} client that our server drops, as it does not read, hears why`, {
      skip: noticesLate,
    }, async () => {
      const name = freshName();
      const server = await startServer(name, { maxQueuedBytes: 300_000 });
      const connected = once(server, "connection");
      const them = other.start("client", name);
      const [connection] = (await connected) as [Connection];
      while (connection.status === "connected") connection.write(5, pattern(100_000, 1));
      assert.equal((await them.untilEvent("error"))["code"], "ERR_CONNECTION_LOST");
      assert.equal((await them.untilEvent("error"))["code"], "ERR_FELL_BEHIND");
      await endAll(them, server);
    });

    for (const [first, second] of [
      ["ours", `${other.name}'s`],
      [`${other.name}'s`, "ours"],
    ] as const) {
      test(`a second server, ${second}, does not take the address of the first, ${first}`, {
        skip: sharesPipeNames,
      }, async () => {
        const name = freshName();
        const them = other.start("server", first === "ours" ? `${name}-other` : name);
        await them.untilStatus("listening");
        if (first === "ours") {
          const server = await startServer(name);
          const late = other.start("server", name);
          assert.equal((await late.untilEvent("failed"))["code"], "ERR_ADDRESS_IN_USE");
          await late.kill();
          await (await startClient(name)).close();
          await server.close();
        } else {
          await assert.rejects(startServer(name), { code: "ERR_ADDRESS_IN_USE" });
          await (await startClient(name)).close();
        }
        await them.stop();
      });
    }

    test("of servers of both languages that start at a dead socket one wins", {
      skip: onWindows,
    }, async (t) => {
      const rounds = other.races;
      let won = 0;
      for (let round = 0; round < rounds; round++) {
        const name = freshName();
        const killed = other.start("server", name);
        await killed.untilStatus("listening");
        await killed.kill();
        const start = () => [0, 1].map(() => startServer(name).catch((error: SealpipeError) => error));
        // A process takes a moment to start, so ours them first in every second round.
        const early = round % 2 === 0 ? start() : [];
        const theirs = [other.start("server", name), other.start("server", name)];
        const starts = [...early, ...(early.length === 0 ? start() : [])];
        const outcomes = await Promise.all(
          theirs.map((them) =>
            them.until(({ event, status }) => event === "failed" || status === "listening"),
          ),
        );
        const ours = await Promise.all(starts);
        const servers = ours.filter((server): server is Server => !(server instanceof SealpipeError));
        const winners = outcomes.filter(({ status }) => status === "listening").length + servers.length;
        assert.equal(winners, 1, JSON.stringify([outcomes, ours.map(String)]));
        won += servers.length;
        await Promise.all(servers.map((server) => server.close()));
        for (const [index, them] of theirs.entries()) {
          if (outcomes[index]?.["event"] === "failed") await them.kill();
          else await them.stop();
        }
      }
      t.diagnostic(`${rounds} rounds, of which ours won ${won}`);
    });
  });
}
