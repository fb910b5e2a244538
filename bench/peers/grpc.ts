import {
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { type Channel, type CreatePeer, ignore, socketPath } from "./peer.ts";

const asItIs = (bytes: Buffer): Buffer => bytes;
const service: ServiceDefinition = {
  talk: {
    path: "/bench/talk",
    requestStream: true,
    responseStream: true,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  },
};
const Client = makeGenericClientConstructor(service, "bench");

/** A bidirectional stream over a Unix socket in the clear, with bytes instead of protobuf's messages. */
export const createPeer: CreatePeer = () => ({
  form: "bytes",
  async listen(name, opened) {
    const server = new Server();
    server.addService(service, {
      talk: (call: ServerDuplexStream<Buffer, Buffer>) => opened(channelOf(call, () => call.end())),
    });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${socketPath(name)}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return { close: () => server.forceShutdown() };
  },
  async connect(name) {
    const client = new Client(`unix:${socketPath(name)}`, credentials.createInsecure());
    const call = client.makeBidiStreamRequest("/bench/talk", asItIs, asItIs);
    return channelOf(call, () => client.close());
  },
});

interface Call {
  write(payload: Buffer): boolean;
  once(event: "drain", listener: () => void): unknown;
  on(event: "data", listener: (payload: Buffer) => void): unknown;
  on(event: "error", listener: () => void): unknown;
}

function channelOf(call: Call, close: () => unknown): Channel {
  const channel: Channel = {
    onMessage: ignore,
    send: (payload) =>
      call.write(payload as Buffer) ? undefined : new Promise<void>((resolve) => call.once("drain", resolve)),
    close,
  };
  call.on("data", (payload) => channel.onMessage(payload));
  call.on("error", ignore);
  return channel;
}
