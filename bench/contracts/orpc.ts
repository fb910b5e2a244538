import { createServer } from "node:http";
import { createORPCClient } from "@orpc/client";
import { RPCLink } from "@orpc/client/websocket";
import { os, type RouterClient } from "@orpc/server";
import { RPCHandler } from "@orpc/server/ws";
import { WebSocket, WebSocketServer } from "ws";
import { type Question, schema } from "./data.ts";

const router = {
  ask: os
    .input(schema)
    .output(schema)
    .handler(({ input }) => input),
};

export function listen(path: string, listening: () => void): void {
  const http = createServer();
  const handler = new RPCHandler(router);
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on("connection", (socket) => void handler.upgrade(socket, { context: {} }));
  http.listen(path, listening);
}

export async function connect(path: string) {
  const websocket = new WebSocket(`ws+unix:${path}:/`, { perMessageDeflate: false });
  const link = new RPCLink({ websocket: websocket as never });
  const app: RouterClient<typeof router> = createORPCClient(link);
  await new Promise((resolve) => websocket.once("open", resolve));
  return { ask: (question: Question) => app.ask(question), close: () => websocket.close() };
}
