import assert from "node:assert/strict";
import { after, before, describe, type TestContext, test } from "node:test";
import { filled } from "../chaos/numbered-traffic.ts";
import { pattern, sha256 } from "../support/go-peer.ts";
import { hold, letGo } from "../support/held-process.ts";
import type { Line } from "../support/lines-process.ts";
import { freshName } from "../support/names.ts";
import type { OtherEnd, OtherLibrary } from "../support/other-end.ts";
import { onWindows } from "../support/platform.ts";
import { thorough } from "../support/thorough.ts";

const mebibyte = 1_048_576;
const maxMessageBytes = 100 * mebibyte;
const limits = ["--max-message-bytes", String(maxMessageBytes)];
const sizes = [0, 1, 64, 4_096, 16_376, 16_377, 65_536, 130_040, 130_041, 3 * mebibyte];
const largeSizes = [16 * mebibyte, ...(thorough ? [maxMessageBytes] : [])];
const inOrder = 1_000;
/** Types that mean something to both ends. */
const [echo, fails, endless, tracesRequest] = [11, 12, 13, 14] as const;
const [echoItems, failsStream, floods, tracesStream] = [21, 22, 23, 25] as const;
const nobodys = 77;
/** What `fails` gives with its failure. */
const failureData = pattern(65_536, 4);

interface Wire {
  readonly flags: readonly string[];
  readonly profile: "native" | "classic";
  readonly encrypted: boolean;
  /** Tried with the largest messages too, which take seconds. */
  readonly large: boolean;
}

const allWires: Record<string, Wire> = {
  "native, encrypted": { flags: [], profile: "native", encrypted: true, large: true },
  "native, plain": { flags: ["--encryption=false"], profile: "native", encrypted: false, large: false },
  "native, with a secret": {
    flags: ["--secret", "open sesame"],
    profile: "native",
    encrypted: true,
    large: false,
  },
  "classic, encrypted": {
    flags: ["--profile", "classic"],
    profile: "classic",
    encrypted: true,
    large: true,
  },
  "classic, plain": {
    flags: ["--profile", "classic", "--encryption=false"],
    profile: "classic",
    encrypted: false,
    large: false,
  },
};

/** Two processes that are connected, and what each said of that. */
interface Pair {
  readonly server: OtherEnd;
  readonly client: OtherEnd;
  readonly connected: { readonly server: Line; readonly client: Line };
}

/** Two libraries of which neither is ours, each as the server of the other, on those wires. */
export function describePair(
  one: OtherLibrary,
  other: OtherLibrary,
  wires: Readonly<Record<string, Wire>> = allWires,
): void {
  const skip = one.skip || other.skip;
  for (const [server, client] of [
    [one, other],
    [other, one],
  ] as const) {
    describe(`${client.name}'s client and ${server.name}'s server`, { skip, timeout: 300_000 }, () => {
      before(() => {
        server.prepare();
        client.prepare();
      });
      describeRoles(server, client, wires);
    });
  }
}

function describeRoles(
  server: OtherLibrary,
  client: OtherLibrary,
  wires: Readonly<Record<string, Wire>>,
): void {
  async function connect(...flags: readonly string[]): Promise<Pair> {
    const name = freshName();
    const serving = server.start("server", name, ...flags);
    await serving.untilStatus("listening");
    const connecting = client.start("client", name, ...flags);
    const connected = {
      server: await serving.untilEvent("connected"),
      client: await connecting.untilEvent("connected"),
    };
    return { server: serving, client: connecting, connected };
  }

  for (const [what, { flags, profile, encrypted, large }] of Object.entries(wires)) {
    describe(what, () => {
      let pair: Pair;
      /** Both ways: who acts, and who hears of it. */
      let ways: readonly (readonly [from: OtherEnd, to: OtherEnd])[];
      before(async () => {
        pair = await connect(...limits, ...flags);
        ways = [
          [pair.client, pair.server],
          [pair.server, pair.client],
        ];
      });
      after(() => stop(pair));

      test("speak the same wire", () => {
        const { client, server } = pair.connected;
        for (const said of [client, server]) {
          assert.deepEqual([said["profile"], said["encrypted"]], [profile, encrypted]);
        }
        if (profile === "classic") return;
        assert.deepEqual([client["pid"], server["pid"]], [pair.server.child.pid, pair.client.child.pid]);
        assert.deepEqual([client["application"], server["application"]], ["interop", "interop"]);
      });

      test("messages of every size arrive both ways", async (t) => {
        const tried = large ? [...sizes, ...largeSizes] : sizes;
        for (const [from, to] of ways) {
          for (const bytes of tried) {
            const seed = bytes % 251;
            assert.equal((await from.ask({ do: "write", type: 5, bytes, seed }))["event"], "done");
            await arrives(to, 5, pattern(bytes, seed));
          }
        }
        t.diagnostic(`sizes both ways: ${tried.join(", ")} bytes`);
      });

      test(`${inOrder} messages arrive in order, both ways at once`, async () => {
        const sequences = ways.map(async ([from, to]) => {
          from.command({ do: "sequence", type: 7, count: inOrder });
          for (let number = 0; number < inOrder; number++) await arrives(to, 7, filled(number));
        });
        await Promise.all(sequences);
      });

      if (profile === "classic") {
        test("there are no requests and no streams", async () => {
          for (const [from] of ways) {
            assert.equal((await from.ask({ do: "request", type: echo }))["code"], "ERR_PEER_NOT_NATIVE");
            assert.equal((await from.ask({ do: "stream", type: echoItems }))["code"], "ERR_PEER_NOT_NATIVE");
          }
        });
        return;
      }

      test("requests are answered, fail and are cancelled both ways", async () => {
        for (const [from, to] of ways) {
          for (const bytes of [0, 100, 200_000]) {
            const answer = await from.ask({ do: "request", type: echo, bytes, seed: 1 });
            assert.deepEqual([answer["event"], answer["sha256"]], ["answer", sha256(pattern(bytes, 1))]);
          }
          const { code, message, sha256: data } = await from.ask({ do: "request", type: fails });
          assert.deepEqual([code, message, data], ["NOT_FOUND", "not here", sha256(failureData)]);
          assert.equal((await from.ask({ do: "request", type: nobodys }))["code"], "ERR_NO_HANDLER");
          const late = from.ask({ do: "request", type: endless, timeoutMs: 20 });
          await to.untilEvent("begun");
          const library = to === pair.server ? server : client;
          if (library.handlersHearOfCancels !== false) await to.untilEvent("cancelled");
          assert.equal((await late)["event"], "failed");
        }
      });

      test("streams have items of every size, fail, are stopped and are reset, both ways", async () => {
        for (const [from, to] of ways) {
          for (const bytes of [0, 1, 32_769, 3_000_000]) {
            const back = await from.ask({ do: "stream", type: echoItems, bytes, seed: 5 });
            const expected = ["back", bytes, sha256(pattern(bytes, 5))];
            assert.deepEqual([back["event"], back["bytes"], back["sha256"]], expected);
          }
          const { code, message } = await from.ask({ do: "stream", type: failsStream });
          assert.deepEqual([code, message], ["NOT_FOUND", "not here"]);
          assert.equal((await from.ask({ do: "stream", type: nobodys }))["code"], "ERR_NO_HANDLER");
          const stopped = from.ask({ do: "stream-stop", type: floods, count: 3 });
          assert.equal((await to.untilEvent("held"))["code"], "ERR_STREAM_STOPPED");
          assert.equal((await stopped)["event"], "done");
          const reset = from.ask({ do: "stream-reset", type: floods, count: 2 });
          const held = await to.untilEvent("held");
          assert.deepEqual([held["code"], held["message"]], ["ENOUGH", "of it"]);
          assert.equal((await reset)["event"], "done");
        }
      });

      test("requests and streams belong to a trace, or to none", async () => {
        const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (const [trace, text] of [
          [{ traceparent, tracestate: "a=b" }, `${traceparent} a=b`],
          [undefined, " "],
        ] as const) {
          for (const [from] of ways) {
            assert.equal((await from.ask({ do: "request", type: tracesRequest, trace }))["text"], text);
            assert.equal((await from.ask({ do: "stream", type: tracesStream, trace }))["text"], text);
          }
        }
      });
    });
  }

  const rounds = Math.min(server.handshakes, client.handshakes);
  test(`${rounds} clients, one after another, are served`, async (t: TestContext) => {
    const name = freshName();
    const serving = server.start("server", name, "--echo");
    await serving.untilStatus("listening");
    const clients = client.shakeHands(name, rounds);
    const done = await clients.until(({ event }) => event === "done" || event === "failed");
    assert.deepEqual(done, { event: "done", rounds });
    t.diagnostic(`${rounds} encrypted handshakes, 0 failed`);
    await clients.kill();
    await serving.stop();
  });

  for (const [theirs, ours] of [
    ["a", "b"],
    ["a", undefined],
    [undefined, "b"],
  ]) {
    test(`a server with ${theirs ?? "no secret"} and a client with ${ours ?? "none"} refuse each other`, async () => {
      const name = freshName();
      const secret = (text: string | undefined) => (text === undefined ? [] : ["--secret", text]);
      const serving = server.start("server", name, ...secret(theirs));
      await serving.untilStatus("listening");
      const refused = client.start("client", name, ...secret(ours));
      assert.equal((await refused.untilEvent("failed"))["code"], "ERR_AUTHENTICATION_FAILED");
      assert.equal((await serving.untilEvent("error"))["code"], "ERR_AUTHENTICATION_FAILED");
      await refused.kill();
      await serving.stop();
    });
  }

  test("a server that is killed has forgotten the session, and its client goes on with the next", async () => {
    const name = freshName();
    const first = server.start("server", name);
    await first.untilStatus("listening");
    const going = client.start("client", name);
    await going.untilEvent("connected");
    const asked = going.ask({ do: "request", type: endless });
    await first.untilEvent("begun");
    await first.kill();
    const second = server.start("server", name);
    await second.untilEvent("connected");
    assert.equal((await asked)["code"], "ERR_SESSION_LOST");
    assert.equal((await going.ask({ do: "write", type: 5, bytes: 100, seed: 1 }))["event"], "done");
    await arrives(second, 5, pattern(100, 1));
    await stop({ server: second, client: going });
  });

  test("a client that is killed leaves its server to the next", async () => {
    const name = freshName();
    const serving = server.start("server", name);
    await serving.untilStatus("listening");
    const killed = client.start("client", name);
    await serving.untilEvent("connected");
    await killed.untilEvent("connected");
    killed.command({ do: "request", type: endless });
    await serving.untilEvent("begun");
    await killed.kill();
    const next = client.start("client", name);
    await serving.untilEvent("connected");
    assert.equal((await next.ask({ do: "request", type: echo, bytes: 9 }))["event"], "answer");
    await stop({ server: serving, client: next });
  });

  for (const role of ["server", "client"] as const) {
    test(`a ${role} that is stopped with SIGSTOP is noticed, and nothing is lost once it goes on`, {
      skip: onWindows,
    }, async () => {
      const pair = await connect("--keepalive-ms", "50");
      const [held, going] = role === "server" ? [pair.server, pair.client] : [pair.client, pair.server];
      await hold(held.child);
      while ((await going.ask({ do: "status" }))["status"] !== "reconnecting");
      const count = 100;
      const written = await going.ask({ do: "sequence", type: 7, count });
      assert.equal(written["event"], "done");
      letGo(held.child);
      for (let number = 0; number < count; number++) await arrives(held, 7, filled(number));
      assert.equal((await going.ask({ do: "flush" }))["event"], "done");
      assert.equal((await held.ask({ do: "request", type: echo, bytes: 9 }))["event"], "answer");
      await stop(pair);
    });
  }
}

/** The next message of an end is that one, and comes in the session that there was. */
async function arrives(end: OtherEnd, type: number, data: Uint8Array): Promise<void> {
  const line = await end.until(({ event }) => told.has(event as string));
  assert.deepEqual(
    [line["event"], line["type"], line["bytes"], line["sha256"]],
    ["message", type, data.length, sha256(data)],
  );
}

const told = new Set(["message", "connected", "session-lost"]);

async function stop({ server, client }: Pick<Pair, "server" | "client">): Promise<void> {
  await client.stop();
  await server.stop();
}
