// Keeps so many connections in the handshake, each of which sends its key byte by byte, but for the last, and then comes again.
// Usage: node trickling-clients.js PATH COUNT. Ends with its input.

import { createECDH } from "node:crypto";
import { createConnection, type Socket } from "node:net";

const [path = "", count = "1"] = process.argv.slice(2);
const key = createECDH("secp384r1").generateKeys();
const helloAndKeyBytes = 99;
/** What each has sent of its key. */
const sockets = new Map<Socket, number>();
let trickling = 0;

function connect(): void {
  const socket = createConnection(path);
  let heard = 0;
  socket.once("connect", () => socket.write(Buffer.of(0)));
  socket.on("data", ({ length }) => {
    heard += length;
    if (heard < helloAndKeyBytes || sockets.has(socket)) return;
    sockets.set(socket, 0);
    trickling += 1;
    if (trickling === Number(count)) process.stdout.write(`${JSON.stringify({ event: "trickling" })}\n`);
  });
  socket.on("error", () => {});
  socket.once("close", () => {
    sockets.delete(socket);
    setImmediate(connect);
  });
}

setInterval(() => {
  for (const [socket, sent] of sockets) {
    if (sent === key.length - 1) socket.destroy();
    else socket.write(key.subarray(sent, sent + 1));
    sockets.set(socket, sent + 1);
  }
}, 5);

for (let index = 0; index < Number(count); index++) connect();
process.stdin.resume().once("end", () => process.exit());
