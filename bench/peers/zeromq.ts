import { readFileSync, rmSync, writeFileSync } from "node:fs";
import zmq from "zeromq";
import { type Channel, type CreatePeer, ignore, type Payload, socketPath } from "./peer.ts";

const queuedAtMost = 256;
const address = (name: string): string => `ipc://${socketPath(name)}`;
const keyPath = (name: string): string => `${socketPath(name)}.key`;

/** A router that serves dealers. `curve`: encrypted, the server known by its key. */
export const createPeer: CreatePeer = ({ curve }) => {
  zmq.context.maxSockets = 6_000;
  return {
    form: "bytes",
    async listen(name, opened) {
      const keys = zmq.curveKeyPair();
      const security = curve ? { curveServer: true, curveSecretKey: keys.secretKey } : {};
      // Without `mandatory` a router drops what a client is too slow for.
      const router = new zmq.Router({ ...security, linger: 0, backlog: 4096, mandatory: true });
      if (curve) writeFileSync(keyPath(name), keys.publicKey);
      await router.bind(address(name));
      const outbox = new Outbox<[Buffer, Payload]>((parts) => router.send(parts as [Buffer, Buffer]));
      void route(router, outbox, opened);
      return {
        close() {
          router.close();
          rmSync(keyPath(name), { force: true });
        },
      };
    },
    async connect(name) {
      const keys = zmq.curveKeyPair();
      const security = () => ({
        curveServerKey: readFileSync(keyPath(name), "utf8"),
        curvePublicKey: keys.publicKey,
        curveSecretKey: keys.secretKey,
      });
      const dealer = new zmq.Dealer({ ...(curve ? security() : {}), linger: 0 });
      dealer.connect(address(name));
      const outbox = new Outbox<Payload>((payload) => dealer.send(payload as Buffer));
      const channel: Channel = {
        onMessage: ignore,
        send: (payload) => outbox.send(payload),
        close: () => dealer.close(),
      };
      void deliver(dealer, channel);
      return channel;
    },
  };
};

/** A socket takes one message after the other: the next only once it has the last. */
class Outbox<T> {
  readonly #sendOne: (item: T) => Promise<void>;
  #queue: T[] = [];
  #running: Promise<void> | undefined;

  constructor(sendOne: (item: T) => Promise<void>) {
    this.#sendOne = sendOne;
  }

  send(item: T): Promise<void> | undefined {
    this.#queue.push(item);
    this.#running ??= this.#run();
    return this.#queue.length < queuedAtMost ? undefined : this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const items = this.#queue;
      this.#queue = [];
      for (const item of items) await this.#sendOne(item).catch(ignore);
    }
    this.#running = undefined;
  }
}

async function route(
  router: InstanceType<typeof zmq.Router>,
  outbox: Outbox<[Buffer, Payload]>,
  opened: (channel: Channel) => void,
): Promise<void> {
  const channels = new Map<string, Channel>();
  for await (const [identity, payload] of router) {
    if (identity === undefined || payload === undefined) continue;
    const id = identity.toString("latin1");
    let channel = channels.get(id);
    if (channel === undefined) {
      channel = { onMessage: ignore, send: (answer) => outbox.send([identity, answer]), close: ignore };
      channels.set(id, channel);
      opened(channel);
    }
    channel.onMessage(payload);
  }
}

async function deliver(dealer: InstanceType<typeof zmq.Dealer>, channel: Channel): Promise<void> {
  for await (const [payload] of dealer) {
    if (payload !== undefined) channel.onMessage(payload);
  }
}
