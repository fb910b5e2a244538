import { startClient, startServer } from "../../build/bundle/index.js";
import { natsTransport, serveOverNats } from "../../build/bundle/nats/index.js";
import { NatsServer, natsAt } from "./nats-server.ts";
import type { CreatePeer } from "./peer.ts";
import { channelOf, messageType } from "./sealpipe.ts";

const secret = "of this benchmark alone";

/** sealpipe over a nats-server that the listening end starts. */
export const createPeer: CreatePeer = () => ({
  form: "bytes",
  async listen(name, opened) {
    const natsServer = await NatsServer.start(name);
    const nats = await natsAt(name);
    const server = await startServer(name, { listen: false, secret });
    server.handle(messageType, ({ data }) => data);
    server.on("connection", (connection) => opened(channelOf(connection, { asks: true, releases: false })));
    serveOverNats(server, nats);
    await nats.flush();
    return {
      async close() {
        await server.close();
        await nats.close();
        await natsServer.stop();
      },
    };
  },
  async connect(name) {
    const nats = await natsAt(name);
    const client = await startClient(name, { secret, transport: natsTransport(nats, name) });
    const channel = channelOf(client, { asks: true, releases: false });
    return Object.assign(channel, {
      async close() {
        await client.close();
        await nats.close();
      },
    });
  },
});
