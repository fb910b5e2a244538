import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type Client, type ClientOptions, type SealpipeError, startClient } from "sealpipe";
import { hex } from "../support/bytes.ts";
import { exitOf, isEvent } from "../support/children.ts";
import { clientPublicKey } from "../support/hand-made-peer.ts";
import { LinesProcess } from "../support/lines-process.ts";
import { RawPeer } from "../support/raw-peer.ts";
import { Relay } from "../support/relay.ts";
import { askAll, exchange, largestBytes, payload, smallSizes, types } from "./conversation.ts";

/** Where a visitor goes. */
export interface Host {
  readonly directory: string;
  readonly name: "sealed" | "plain";
}

export interface Visit {
  readonly title: string;
  /** Returns how many messages it sent that must have arrived. `turn` counts the visits of this kind. */
  readonly go: (host: Host, turn: number) => Promise<number>;
}

function connect({ directory, name }: Host, options: ClientOptions = {}): Promise<Client> {
  return startClient(name, { directory, encryption: name === "sealed", retryDelayMs: 20, ...options });
}

async function withClient(host: Host, act: (client: Client) => Promise<number>): Promise<number> {
  const client = await connect(host);
  // It would come back by itself, and wait for answers to what was lost.
  client.on("error", (error) => client.destroy(error));
  try {
    const sent = await act(client);
    await client.close();
    return sent;
  } finally {
    client.destroy();
    await client.close();
  }
}

async function sentAwayAndBack(host: Host, turn: number): Promise<number> {
  return withClient(host, async (client) => {
    const before = await exchange(client, smallSizes, turn);
    const back = new Promise<void>((resolve) => {
      client.on("status", (status) => status === "connected" && resolve());
    });
    await client.write(types.sendAway, "");
    await back;
    return before + (await exchange(client, smallSizes, turn));
  });
}

async function neverReads(host: Host, turn: number): Promise<number> {
  const profile = turn % 2 === 0 ? "classic" : "native";
  const client = await connect(host, { maxQueuedBytes: 20_000_000, profile });
  for (let sent = 0; sent < 4; sent++) void client.write(types.careless, payload(largestBytes, sent));
  // A native server has to read it before it is flushed, and stops when its answers are not read.
  if (profile === "classic") await client.flush();
  client.destroy();
  await client.close();
  return 0;
}

/** As many bytes of what a client says in the handshake as the turn has it, and then nothing more. */
async function hangsUp(host: Host, turn: number): Promise<number> {
  const peer = await RawPeer.connect(join(host.directory, `${host.name}.sock`));
  const says =
    host.name === "sealed"
      ? [hex("00"), ...[0, 30, 60].map((at) => clientPublicKey.subarray(at, at + 30))]
      : [hex("00")];
  await peer.receive(turn % 3 === 0 ? 1 : 2);
  for (const part of says.slice(0, turn % (says.length + 1))) peer.send(part);
  if (turn % 2 === 0) peer.end();
  if (turn % 2 === 0) await peer.receiveToEnd();
  peer.destroy();
  return 0;
}

async function saysNonsense(host: Host, turn: number): Promise<number> {
  const peer = await RawPeer.connect(join(host.directory, `${host.name}.sock`));
  // A server that takes the first byte for an acceptance may wait for more, until the handshake's time is over.
  peer.send(turn % 4 === 1 ? hex("00 00 ff ff ff ff") : payload(300, turn));
  await peer.receiveToEnd();
  peer.destroy();
  return 0;
}

/**
 * Its connection breaks again and again while it asks. Where it is back in time its session goes on, and else it asks
 * anew: either way each answer is right.
 */
async function isCutWhileItAsks({ directory, name }: Host, turn: number): Promise<number> {
  const ends: (() => unknown)[] = [];
  const after = ((end: () => unknown) => ends.push(end)) as unknown as TestContext["after"];
  const relay = await Relay.start({ after }, join(directory, `${name}.sock`));
  const client = await startClient(relay.name, { encryption: name === "sealed", retryDelayMs: 20 });
  try {
    for (let round = 0; round < 3; round++) {
      const asking = askAll(client, smallSizes, turn + round).catch((error: SealpipeError) => {
        assert.equal(error.code, "ERR_SESSION_LOST");
      });
      // A first answer has come, and not all have.
      await client.request(types.ask, "cut me").catch(() => {});
      relay.cut();
      await asking;
    }
    // With a turn in three the server waits for one that never comes back.
    if (turn % 3 === 0) relay.cut();
    else await client.close();
    return 0;
  } finally {
    client.destroy();
    await client.close();
    for (const end of ends) await end();
  }
}

const program = fileURLToPath(new URL("./client.js", import.meta.url));

function startProcess(
  { directory, name }: Host,
  how: "certain" | "careless" | "asking",
  turn: number,
): LinesProcess {
  return new LinesProcess(process.execPath, [program, directory, name, how, String(turn)]);
}

async function processThatGoes(host: Host, turn: number): Promise<number> {
  const child = startProcess(host, "certain", turn);
  try {
    const { sent } = await child.until(isEvent("done"));
    assert.equal(await exitOf(child), 0, child.stderr);
    return Number(sent);
  } finally {
    await child.kill();
  }
}

/** Killed once it has said so. */
async function processThatIsKilled(
  host: Host,
  turn: number,
  { when, how = "careless" }: { when: "connecting" | "connected" | "busy"; how?: "careless" | "asking" },
) {
  const child = startProcess(host, how, turn);
  const closed = once(child.child, "close");
  try {
    await child.until(isEvent(when));
  } finally {
    await child.kill();
  }
  await closed;
  return 0;
}

/** Everyone who comes to the soak's servers. */
export const visits: readonly Visit[] = [
  {
    title: "sends small messages and goes",
    go: (host, turn) => withClient(host, (client) => exchange(client, smallSizes, turn)),
  },
  {
    title: "sends messages of 3 MiB and goes",
    go: (host, turn) => withClient(host, (client) => exchange(client, [largestBytes, 5, largestBytes], turn)),
  },
  {
    title: "sends and closes, without reading",
    go: (host, turn) =>
      withClient(host, async (client) => {
        for (const bytes of [...smallSizes, largestBytes])
          void client.write(types.keep, payload(bytes, turn));
        return smallSizes.length + 1;
      }),
  },
  {
    title: "is destroyed with messages on their way",
    go: (host, turn) =>
      withClient(host, async (client) => {
        for (const bytes of [...smallSizes, largestBytes])
          void client.write(types.careless, payload(bytes, turn));
        client.destroy();
        return 0;
      }),
  },
  { title: "never reads, and is destroyed", go: neverReads },
  { title: "is sent away and comes back", go: sentAwayAndBack },
  {
    title: "asks, of all sizes, and goes",
    go: (host, turn) =>
      withClient(host, async (client) => {
        await askAll(client, [...smallSizes, 500_000, largestBytes], turn);
        return 0;
      }),
  },
  { title: "is cut while it asks, and comes back or does not", go: isCutWhileItAsks },
  { title: "hangs up in the handshake", go: hangsUp },
  { title: "says nonsense", go: saysNonsense },
  { title: "a process that goes", go: processThatGoes },
  {
    title: "a process that is killed while it connects",
    go: (host, turn) => processThatIsKilled(host, turn, { when: "connecting" }),
  },
  {
    title: "a process that is killed as soon as it is connected",
    go: (host, turn) => processThatIsKilled(host, turn, { when: "connected" }),
  },
  {
    title: "a process that is killed while it sends",
    go: (host, turn) => processThatIsKilled(host, turn, { when: "busy" }),
  },
  {
    title: "a process that is killed while it asks",
    go: (host, turn) => processThatIsKilled(host, turn, { when: "busy", how: "asking" }),
  },
];
