import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { NatsServer, natsAt } from "./nats-server.ts";
import { type Channel, type CreatePeer, ignore, type Payload } from "./peer.ts";

/** How many bytes are on the way before a sender asks whether they have arrived: NATS drops what a receiver is too slow for. */
const breathBytes = 1_048_576;

/** A subject for each direction of a conversation, on a nats-server that the listening end starts. */
export const createPeer: CreatePeer = () => ({
  form: "bytes",
  async listen(name, opened) {
    const server = await NatsServer.start(name);
    const nats = await natsAt(name);
    nats.subscribe(`${name}.open`, {
      callback: (_, message) => {
        const id = message.string();
        opened(channelOf(nats, `${name}.${id}.to-server`, `${name}.${id}.to-client`));
        message.respond();
      },
    });
    await nats.flush();
    return {
      async close() {
        await nats.close();
        await server.stop();
      },
    };
  },
  async connect(name) {
    const nats = await natsAt(name);
    const id = crypto.randomUUID();
    const channel = channelOf(nats, `${name}.${id}.to-client`, `${name}.${id}.to-server`);
    await nats.flush();
    await nats.request(`${name}.open`, id);
    return Object.assign(channel, { close: () => nats.close() });
  },
});

function channelOf(nats: NatsConnection, own: string, peer: string): Channel {
  let sent = 0;
  const channel: Channel = {
    onMessage: ignore,
    send(payload) {
      sent += payload.length;
      if (sent < breathBytes) {
        nats.publish(peer, payload);
        return undefined;
      }
      sent = 0;
      return nats.request(peer, payload, { timeout: 20_000 });
    },
    request: async (payload): Promise<Payload> => (await nats.request(`${peer}.ask`, payload)).data,
    close: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
  const subscriptions: readonly Subscription[] = [
    nats.subscribe(own, {
      callback: (_, message) => {
        channel.onMessage(message.data);
        if (message.reply !== undefined) message.respond();
      },
    }),
    nats.subscribe(`${own}.ask`, { callback: (_, message) => void message.respond(message.data) }),
  ];
  return channel;
}
