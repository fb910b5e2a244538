// The child of stdio.ts.

import { Duplex } from "node:stream";
import { startServer } from "sealpipe";

const server = await startServer("shouter", {
  listen: false,
  authenticatedBy: "transport",
  resumeWindowMs: 0,
});
server.handle(1, ({ text }) => text.toUpperCase());
server.on("connection", (connection) => connection.once("close", () => server.close()));
server.accept(Duplex.from({ readable: process.stdin, writable: process.stdout }));
