import { createServer } from "node:http";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket, WebSocketServer } from "ws";
import { type Question, schema } from "./data.ts";

const t = initTRPC.create();
const router = t.router({
  ask: t.procedure
    .input(schema)
    .output(schema)
    .query(({ input }) => input),
});

export function listen(path: string, listening: () => void): void {
  const http = createServer();
  applyWSSHandler({ wss: new WebSocketServer({ server: http, perMessageDeflate: false }), router });
  http.listen(path, listening);
}

export async function connect(path: string) {
  class OnSocket extends WebSocket {
    constructor() {
      super(`ws+unix:${path}:/`, { perMessageDeflate: false });
    }
  }
  const client = createWSClient({
    url: "ws://localhost",
    WebSocket: OnSocket as unknown as typeof globalThis.WebSocket,
  });
  const app = createTRPCClient<typeof router>({ links: [wsLink({ client })] });
  return { ask: (question: Question) => app.ask.query(question), close: () => client.close() };
}
