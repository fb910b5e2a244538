// A server that is reached through WebSockets, for example behind a web server. The secret proves each end to the other.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startClient, startServer } from "sealpipe";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";

const secret = randomBytes(32);

const server = await startServer("shouter", { listen: false, secret });
server.handle(1, ({ text }) => text.toUpperCase());

const http = createServer().listen(0, "127.0.0.1");
await once(http, "listening");
const webSockets = new WebSocketServer({ server: http, path: "/sealpipe" });
webSockets.on("connection", (socket) => server.accept(createWebSocketStream(socket)));

const { port } = http.address() as AddressInfo;
const sockets: WebSocket[] = [];
const client = await startClient("shouter", {
  secret,
  retryDelayMs: 10,
  transport() {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/sealpipe`);
    sockets.push(socket);
    return createWebSocketStream(socket);
  },
});
console.log((await client.request(1, "hello")).text);

// The network breaks: the session goes on, on another WebSocket.
const answer = client.request(1, "again");
sockets[0]?.terminate();
console.log((await answer).text, sockets.length);

await client.close();
await server.close();
http.close();
