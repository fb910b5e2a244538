import { connect as connectSocket, createServer, type Socket } from "node:net";
import rpc from "vscode-jsonrpc/node";
import type { Question } from "./data.ts";

const ask = new rpc.RequestType<Question, Question, void>("ask");

function connectionOn(socket: Socket) {
  return rpc.createMessageConnection(
    new rpc.SocketMessageReader(socket),
    new rpc.SocketMessageWriter(socket),
  );
}

export function listen(path: string, listening: () => void): void {
  const server = createServer((socket) => {
    const connection = connectionOn(socket);
    connection.onRequest(ask, (question) => question);
    connection.onError(() => {});
    connection.listen();
  });
  server.listen(path, listening);
}

export async function connect(path: string) {
  const socket = connectSocket(path);
  await new Promise((resolve) => socket.once("connect", resolve));
  const connection = connectionOn(socket);
  connection.listen();
  return {
    ask: (question: Question) => connection.sendRequest(ask, question),
    close() {
      connection.dispose();
      socket.end();
    },
  };
}
