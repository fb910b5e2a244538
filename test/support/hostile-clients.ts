import { type Client, type ClientOptions, startClient } from "sealpipe";
import { flood, hostileTexts, stay, talkNonsense, typesInUse } from "./hostile-words.ts";
import { addressOf, RawPeer } from "./raw-peer.ts";
import { openWireAsClient } from "./sealed-peer.ts";

/** A client that behaves badly at a server of that name, and is gone when it is done. */
type HostileClient = (name: string) => Promise<void>;

function asClient(work: (client: Client) => unknown, options: ClientOptions = {}): HostileClient {
  return async (name) => {
    const client = await startClient(name, { connectTimeoutMs: 2_000, ...options });
    try {
      await work(client);
    } finally {
      client.destroy();
      await client.close();
    }
  };
}

async function askAndCancel(client: Client): Promise<void> {
  const asked = Array.from({ length: 300 }, (_, index) => {
    const giveUp = new AbortController();
    const request = client.request(typesInUse[index % 2] as number, "1", { signal: giveUp.signal });
    if (index % 3 === 0) giveUp.abort();
    else setImmediate(() => giveUp.abort());
    return request;
  });
  await Promise.allSettled(asked);
}

/** Answers requests in that way, and says something, for servers that ask when they hear something. */
function answering(answer: () => Uint8Array | string | Promise<string>): HostileClient {
  return asClient(async (client) => {
    for (const type of typesInUse) client.handle(type, answer);
    client.write(1, "1");
    await stay();
  });
}

async function brokenFrame(name: string, bytes: Uint8Array): Promise<void> {
  const peer = await RawPeer.connect(addressOf(name));
  const wire = await openWireAsClient(peer, true);
  peer.send(wire.message(1, Buffer.from("1")), bytes);
  while (peer.pendingBytes > 0) await new Promise(setImmediate);
  peer.destroy();
}

/** What each does, and how. */
export const hostileClients: Readonly<Record<string, HostileClient>> = {
  "takes one byte at a time": asClient(talkNonsense, { maxMessageBytes: 1 }),
  "takes nothing": asClient(talkNonsense, { maxMessageBytes: 0 }),
  "reads nothing and sends flat out": asClient(flood),
  "reads nothing and sends flat out, with a small window": asClient(flood, { maxQueuedBytes: 65_536 }),
  "reads nothing and sends flat out on golang-ipc's wire": asClient(flood, { profile: "classic" }),
  "talks nonsense": asClient(talkNonsense),
  "asks and cancels": asClient(askAndCancel),
  "asks and hangs up": asClient((client) => {
    for (const type of typesInUse) client.request(type, "1").catch(() => {});
    return client.write(1, "1");
  }),
  "closes at once": asClient((client) => client.close()),
  "hangs up at once": asClient(() => {}),
  "says nothing": asClient(stay),
  "refuses requests": answering(() => {
    throw Object.assign(new Error("no"), { code: "ERR_CLOSED" });
  }),
  "never answers": answering(() => new Promise<string>(() => {})),
  "answers nonsense": answering(() => hostileTexts[3] as string),
  "answers more than it may": answering(() => new Uint8Array(3_145_729)),
  "breaks off within a frame": (name) => brokenFrame(name, Uint8Array.of(0, 0, 1)),
  "announces too large a message": (name) => brokenFrame(name, Uint8Array.of(0x7f, 0xff, 0xff, 0xff)),
};

/** All of them at the same time. */
export async function attackServer(name: string): Promise<void> {
  await Promise.allSettled(Object.values(hostileClients).map((attack) => attack(name)));
}
