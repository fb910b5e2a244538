import { type Channel, type CreatePeer, ignore, type Payload } from "./peer.ts";

/**
 * Node's own channel between a process and its child. The client is forked by the server, see `process/pair.ts`, and is
 * connected from the start; there is no other client.
 */
export const createPeer: CreatePeer = () => ({
  form: "bytes",
  async listen(_name, opened) {
    const { forkedClient } = await import("../process/forked-client.ts");
    const child = forkedClient();
    const channel = channelOf((payload, sent) => child.send(payload as Buffer, sent));
    child.on("message", (payload) => channel.onMessage(payload as Payload));
    channel.close = () => child.disconnect();
    opened(channel);
    return { close: ignore };
  },
  async connect() {
    const channel = channelOf(
      (payload, sent) => process.send?.(payload, undefined, undefined, sent) === true,
    );
    process.on("message", (payload) => channel.onMessage(payload as Payload));
    channel.close = () => process.disconnect();
    return channel;
  },
});

function channelOf(sendOne: (payload: Payload, sent: () => void) => boolean): Channel {
  return {
    onMessage: ignore,
    send(payload) {
      let settle: () => void = ignore;
      if (sendOne(payload, () => settle())) return undefined;
      return new Promise<void>((resolve) => {
        settle = resolve;
      });
    },
    close: ignore,
  };
}
