import type { Stream } from "../../build/bundle/index.js";
import { libraryOf } from "../package.ts";
import { type Channel, type CreatePeer, ignore } from "./peer.ts";

const streamType = 1;

/** Each message is an item of one stream. */
export const createPeer: CreatePeer = async ({ encryption, releases, package: directory }) => {
  const { startClient, startServer } = await libraryOf(directory as string | undefined);
  const options = { encryption: encryption === true };
  return {
    form: "bytes",
    async listen(name, opened) {
      const server = await startServer(name, options);
      server.on("error", ignore);
      server.handleStream(streamType, (stream) => {
        const channel = channelOf(stream, () => stream.end());
        opened(channel);
        return pass(stream, channel, releases === true);
      });
      return { close: () => server.close() };
    },
    async connect(name) {
      const client = await startClient(name, { ...options, connectTimeoutMs: 20_000 });
      client.on("error", ignore);
      const stream = await client.openStream(streamType, "");
      const channel = channelOf(stream, () => client.close());
      pass(stream, channel, releases === true).catch(ignore);
      return channel;
    },
  };
};

function channelOf(stream: Stream, close: () => unknown): Channel {
  return { onMessage: ignore, send: (payload) => stream.write(payload), close };
}

async function pass(stream: Stream, channel: Channel, releases: boolean): Promise<void> {
  for await (const item of stream) {
    channel.onMessage(item.data);
    if (releases) item.release();
  }
}
